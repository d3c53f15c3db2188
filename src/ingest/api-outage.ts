import type { Logger } from 'pino';
import type { Attempt } from '../api/client.ts';
import type { Clock } from '../clock.ts';
import type { Database } from '../store/connection/database.ts';
import { tryToEnd, tryToNote } from '../store/ledger/events.ts';
import type { Instant, Milliseconds } from '../time.ts';

/** So many calls in a row without an answer are an outage; fewer are what retries are for. */
const enoughCalls = 5;

/** An outage so soon after the last one is the same: an API that is ill answers now and then. */
const sameOutage: Milliseconds = 600_000;

/** How often an outage that goes on is noted, and how often it is looked whether another process has left one open. */
const lookAgain: Milliseconds = 60_000;

/** Outcomes of calls that were not answered. */
const unanswered: ReadonlySet<Attempt['outcome']> = new Set(['transient', 'throttled']);

/** Notices when the API answers no call any more, and when it does again: an event and two lines of log, however many calls. */
export class ApiOutage {
  readonly #database: Database;
  readonly #clock: Clock;
  readonly #log: Logger;
  #calls = 0;
  #since: Instant = 0;
  #isOut = false;
  #lookedAt = Number.NEGATIVE_INFINITY;

  constructor(database: Database, clock: Clock, log: Logger) {
    this.#database = database;
    this.#clock = clock;
    this.#log = log;
  }

  /** Whether the API answers nothing now. */
  get isOut(): boolean {
    return this.#isOut;
  }

  async note({ outcome, message, milliseconds }: Attempt): Promise<void> {
    if (!unanswered.has(outcome)) return this.#answered();
    if (this.#calls === 0) this.#since = this.#clock.now() - milliseconds;
    this.#calls++;
    if (this.#calls >= enoughCalls) await this.#unanswered(message ?? outcome);
  }

  async #unanswered(reason: string): Promise<void> {
    const now = this.#clock.now();
    if (!this.#isOut) {
      this.#log.warn(
        { calls: this.#calls, reason },
        'the API answers no call: what is missing is asked for again',
      );
    } else if (!this.#isTimeToLook(now)) return;
    this.#isOut = true;
    this.#lookedAt = now;
    await tryToNote(this.#database, this.#log, {
      ...{ kind: 'api outage', at: this.#since, until: now, isOpen: true, joinsWithin: sameOutage },
      message: `the API answers no call: ${reason}`,
    });
  }

  async #answered(): Promise<void> {
    const now = this.#clock.now();
    if (this.#isOut) {
      const seconds = Math.round((now - this.#since) / 1000);
      this.#log.info({ seconds, calls: this.#calls }, 'the API answers again');
    } else if (!this.#isTimeToLook(now)) {
      this.#calls = 0;
      return;
    }
    this.#calls = 0;
    this.#isOut = false;
    this.#lookedAt = now;
    await tryToEnd(this.#database, this.#log, { kind: 'api outage' }, now);
  }

  /** Where the clock was set back it is, too. */
  #isTimeToLook(now: Instant): boolean {
    return Math.abs(now - this.#lookedAt) >= lookAgain;
  }
}
