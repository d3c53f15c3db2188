import type { Logger } from 'pino';
import type { Attempt } from '../api/client.ts';
import type { Question } from '../api/dialects/index.ts';
import { ApiFailure } from '../api/failure.ts';
import type { Clock } from '../clock.ts';
import { wasAnsweredSince } from '../store/answers/requests.ts';
import type { Database } from '../store/connection/database.ts';
import { noteEvent, tryToEnd } from '../store/ledger/events.ts';
import { claimProbe, closeBreaker, openBreaker, readBreaker } from '../store/limits/breaker.ts';

/** The code that refuses one call, whatever it says (API page, Error Codes). */
const noAccessToCall = 204;

/** A call that was answered so lately shows that access as a whole is granted, in milliseconds. */
const lately = 3_600_000;

/** A refusal so soon after the last one is the same, in milliseconds: a person's command forgets it and finds it again. */
const sameRefusal = 600_000;

export interface AccessGateOptions {
  readonly database: Database;
  readonly clock: Clock;
  readonly log: Logger;
  /** Milliseconds between two probes while the API refuses access. */
  readonly probeInterval: number;
}

/** Lets calls pass while the API grants access, and a probe now and then while it does not; the same for all processes. */
export class AccessGate {
  readonly #options: AccessGateOptions;
  /** Whether access was refused when the last call was let through. */
  #isProbing = false;

  constructor(options: AccessGateOptions) {
    this.#options = options;
  }

  /** The breaker was closed when a call was let through. */
  noteGranted(): void {
    this.#isProbing = false;
  }

  /** @throws ApiFailure (`access-denied`, with the time until the next probe) where no call may be sent */
  async enter(): Promise<void> {
    const { database, clock, probeInterval } = this.#options;
    const refusal = await readBreaker(database);
    this.#isProbing = refusal !== undefined;
    if (refusal === undefined || (await claimProbe(database, clock.now(), probeInterval))) return;
    throw new ApiFailure('access-denied', `${refusal.reason}; not asked again until the next probe`, {
      code: refusal.code ?? undefined,
      retryAfter: Math.max(100, refusal.probeAt - clock.now()),
    });
  }

  /**
   * Stops everything where a call was denied access; lets it go on once a call shows that access is back. That the list of
   * tokens alone is refused stops nothing.
   */
  async note({ outcome, code, message }: Attempt, call: Question['call'] = 'endpoint'): Promise<void> {
    const { database, clock, log } = this.#options;
    if (outcome === 'access-denied') {
      if (call === 'coin/list' && (code === noAccessToCall || (await this.#isAnswered()))) return;
      const reason = message ?? 'access denied';
      const isNew = await this.#refuse(code, reason);
      log[isNew ? 'error' : 'debug'](
        { code, reason },
        'the API refuses access: nothing is sent but a probe now and then',
      );
    } else if (this.#isProbing && !['transient', 'throttled'].includes(outcome)) {
      this.#isProbing = false;
      if (await closeBreaker(database)) log.info('the API grants access again');
      await tryToEnd(database, log, { kind: 'access refused' }, clock.now());
    }
  }

  #refuse(code: number | undefined, reason: string): Promise<boolean> {
    const { database, clock, probeInterval } = this.#options;
    const now = clock.now();
    return database.transaction(async (tx) => {
      const message = `the API refuses access: ${reason}`;
      await noteEvent(
        database,
        { kind: 'access refused', at: now, isOpen: true, message, joinsWithin: sameRefusal },
        tx,
      );
      return openBreaker(database, { code, reason }, now, probeInterval, tx);
    });
  }

  #isAnswered(): Promise<boolean> {
    const { database, clock } = this.#options;
    return wasAnsweredSince(database, clock.now() - lately);
  }
}
