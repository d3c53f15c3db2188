import { isDeepStrictEqual } from 'node:util';
import type { Logger } from 'pino';
import type { Credentials } from '../api/dialects/index.ts';
import type { Clock } from '../clock.ts';
import { innermost } from '../errors.ts';
import type { Milliseconds } from '../time.ts';

/** How long credentials that were read are taken for those of now. */
const rereadAfter: Milliseconds = 10_000;

/**
 * The credentials as `.env` and the files of secrets have them now, so that a key is changed without a restart. Where they
 * cannot be read, because somebody is just writing them say, those from before go on.
 */
export class FreshCredentials {
  readonly #read: () => Credentials;
  readonly #clock: Clock;
  readonly #log: Logger;
  #current: Credentials;
  #readAt: number;
  #problem: string | undefined;

  /** @param read gives the credentials of now; throws UserError where they are missing or wrong */
  constructor(initial: Credentials, read: () => Credentials, clock: Clock, log: Logger) {
    this.#current = initial;
    this.#read = read;
    this.#clock = clock;
    this.#log = log;
    this.#readAt = clock.now();
  }

  current(): Credentials {
    const now = this.#clock.now();
    // A clock that was set back is no reason to wait.
    if (Math.abs(now - this.#readAt) < rereadAfter) return this.#current;
    this.#readAt = now;
    try {
      const found = this.#read();
      this.#problem = undefined;
      if (!isDeepStrictEqual(found, this.#current)) {
        this.#current = found;
        this.#log.info('the credentials have changed: the API is asked with the new ones from now on');
      }
    } catch (error) {
      this.#tell(innermost(error));
    }
    return this.#current;
  }

  #tell(problem: string): void {
    if (problem === this.#problem) return;
    this.#problem = problem;
    this.#log.warn(
      { problem },
      'the settings cannot be read: the API is asked with the credentials from before',
    );
  }
}
