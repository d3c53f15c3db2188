import { sql } from 'drizzle-orm';
import type { Logger } from 'pino';
import type { Clock } from '../clock.ts';
import { innermost } from '../errors.ts';
import type { Database } from '../store/connection/database.ts';
import { isOutage } from '../store/connection/errors.ts';
import { noteEvent } from '../store/ledger/events.ts';
import type { Instant, Milliseconds } from '../time.ts';

/** How often the database is tried. */
const defaultInterval: Milliseconds = 5000;

/** Outages that several processes notice, or that come so soon one after the other, are one. */
const sameOutage: Milliseconds = 60_000;

/**
 * Notices that the database is away or takes no writes, by itself or told by whoever met it: one line of log when that
 * begins, one when it is over, and then an event.
 */
export class DatabaseWatch {
  readonly #database: Database;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #interval: Milliseconds;
  #timer: NodeJS.Timeout | undefined;
  #lost: { readonly since: Instant; readonly reason: string } | undefined;
  #isAsking: Promise<void> | undefined;

  constructor(database: Database, clock: Clock, log: Logger, interval = defaultInterval) {
    this.#database = database;
    this.#clock = clock;
    this.#log = log;
    this.#interval = interval;
  }

  start(): void {
    this.#timer = setInterval(() => void this.check(), this.#interval);
    this.#timer.unref();
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#isAsking;
  }

  /** Hears of an error. @returns whether it is an outage of the database, which is told of here and needs no more words */
  note(error: unknown): boolean {
    if (!isOutage(error)) return false;
    if (this.#lost !== undefined) return true;
    this.#lost = { since: this.#clock.now(), reason: innermost(error) };
    this.#log.error(
      { reason: this.#lost.reason },
      'the database is away, or takes no writes: nothing is asked for until it is back',
    );
    return true;
  }

  /** Tries the database; does nothing while that is under way. */
  check(): Promise<void> {
    this.#isAsking ??= this.#try().finally(() => {
      this.#isAsking = undefined;
    });
    return this.#isAsking;
  }

  async #try(): Promise<void> {
    try {
      if (this.#lost === undefined) await this.#database.query('probe database', sql`select`);
      else await this.#enter(this.#lost);
    } catch (error) {
      this.note(error);
    }
  }

  /** Writing the event is what shows that the database is back. */
  async #enter({ since, reason }: { readonly since: Instant; readonly reason: string }): Promise<void> {
    const now = this.#clock.now();
    const message = `the database was away, or took no writes: ${reason}`;
    await noteEvent(this.#database, {
      ...{ kind: 'database outage', at: since, until: now, message, joinsWithin: sameOutage },
    });
    this.#lost = undefined;
    this.#log.info({ seconds: Math.round((now - since) / 1000) }, 'the database is back');
  }
}
