import type { Attempt } from '../api/client.ts';
import type { Clock } from '../clock.ts';
import type { Database } from '../store/connection/database.ts';
import { readFacts, storeFact } from '../store/ledger/facts.ts';

/** A slower answer says too little about when its header was written, in milliseconds. */
const slowest = 3000;

/** A smaller change is within what the header, cut to the second, and the way of the answer leave open; milliseconds. */
const noticeable = 3000;

/** Notices how far the API's clock is ahead of ours, by the `Date` header of its answers. */
export class ClockOffset {
  readonly #database: Database;
  readonly #clock: Clock;
  /** The fact as this process knows it, in milliseconds. */
  #known: number | undefined;

  constructor(database: Database, clock: Clock) {
    this.#database = database;
    this.#clock = clock;
  }

  async note({ serverTime, milliseconds }: Attempt): Promise<void> {
    if (serverTime === undefined || milliseconds > slowest) return;
    const now = this.#clock.now();
    // The header was written while the call was under way, and is cut to the second.
    const offset = Math.round(serverTime + 500 - (now - milliseconds / 2));
    this.#known ??= await this.#read();
    if (this.#known !== undefined && Math.abs(offset - this.#known) < noticeable) return;
    this.#known = offset;
    const detail = 'the Date header of an answer';
    await storeFact(this.#database, { name: 'clock_offset', value: offset, found: 'answered', detail }, now);
  }

  async #read(): Promise<number | undefined> {
    const { value, found } = (await readFacts(this.#database)).clock_offset;
    return found === 'assumed' ? undefined : value;
  }
}
