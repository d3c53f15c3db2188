import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import type { Milliseconds } from '../../time.ts';
import { clientConfig } from './address.ts';
import { ConnectionLost, errorCode } from './errors.ts';
import { backendOf } from './pool.ts';

/** Milliseconds. Together they stay under a minute, so that work goes on within one. */
export interface SilenceLimits {
  /**
   * After this long without an answer the server is asked whether it still works on a statement; then again and again.
   */
  readonly askAfter: Milliseconds;
  /** The answer to that must come within. */
  readonly answerWithin: Milliseconds;
  /** Longest until an answer arrives that the server says it has sent. */
  readonly arriveWithin: Milliseconds;
}

const usualSilenceLimits: SilenceLimits = {
  askAfter: 15_000,
  answerWithin: 5000,
  arriveWithin: 2000,
};

/**
 * Finds connections that went silent without closing: behind a pooler that hangs, a host that is lost. A statement that
 * takes long is no sign of it. So the server is asked, over another connection, whether it still works on the statement.
 */
export class SilenceWatch {
  readonly #url: string;
  readonly #limits: SilenceLimits;

  constructor(url: string, limits: SilenceLimits = usualSilenceLimits) {
    this.#url = url;
    this.#limits = limits;
  }

  /**
   * Waits for work that uses the connection.
   * @throws ConnectionLost where the connection has gone silent; it must not be used again
   */
  async during<T>(client: pg.ClientBase, work: () => PromiseLike<T>): Promise<T> {
    const done = new AbortController();
    const silence = this.#untilSilent(client, done.signal);
    // Nobody waits for it any more once the work is over.
    silence.catch(() => {});
    try {
      return await Promise.race([work(), silence]);
    } finally {
      done.abort();
    }
  }

  async #untilSilent(client: pg.ClientBase, signal: AbortSignal): Promise<never> {
    const { askAfter, arriveWithin } = this.#limits;
    for (;;) {
      await sleep(askAfter, undefined, { signal });
      if (await this.#isAtWork(client)) continue;
      // The answer may be on its way.
      await sleep(arriveWithin, undefined, { signal });
      if (await this.#isAtWork(client)) continue;
      signal.throwIfAborted();
      throw new ConnectionLost(new Error('the connection is silent, and the server works on nothing of it'));
    }
  }

  /** Whether the server works for the connection, and does not itself wait to hear from it or to be heard. */
  async #isAtWork(client: pg.ClientBase): Promise<boolean> {
    const { answerWithin } = this.#limits;
    const other = new pg.Client({
      ...clientConfig(this.#url),
      application_name: 'cryptoracle',
      connectionTimeoutMillis: answerWithin,
      query_timeout: answerWithin,
    });
    other.on('error', () => {});
    try {
      await other.connect();
      const { rows } = await other.query<{ atWork: boolean }>(
        `select state is null or (state = 'active' and wait_event_type is distinct from 'Client') as "atWork"
         from pg_stat_activity where pid = $1`,
        [backendOf(client)],
      );
      return rows[0]?.atWork === true;
    } catch (error) {
      // A server that refuses further connections is there.
      return /^[0-9A-Z]{5}$/.test(errorCode(error) ?? '') && error instanceof pg.DatabaseError;
    } finally {
      void other.end().catch(() => {});
    }
  }
}
