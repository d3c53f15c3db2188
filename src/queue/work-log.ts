import type { Logger } from 'pino';
import type { Clock } from '../clock.ts';
import type { IngestTally } from '../ingest/context.ts';
import type { Instant, Milliseconds } from '../time.ts';

/** The least time between two lines. */
const rest: Milliseconds = 60_000;

/** Has the log show that this process works: what it fetched, at the first time at once, then once a minute at most. */
export class WorkLog {
  readonly #log: Logger;
  readonly #clock: Clock;
  #toldAt: Instant | undefined;
  #since = { requests: 0, calls: 0, values: 0 };

  constructor(log: Logger, clock: Clock) {
    this.#log = log;
    this.#clock = clock;
  }

  /** Adds a request that is done. */
  note({ calls, values }: Pick<IngestTally, 'calls' | 'values'>): void {
    const { requests, ...before } = this.#since;
    this.#since = { requests: requests + 1, calls: before.calls + calls, values: before.values + values };
    const now = this.#clock.now();
    if (this.#toldAt !== undefined && Math.abs(now - this.#toldAt) < rest) return;
    this.#toldAt = now;
    this.#log.info(this.#since, 'fetched and stored');
    this.#since = { requests: 0, calls: 0, values: 0 };
  }
}
