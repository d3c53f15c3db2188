import { setTimeout as sleep } from 'node:timers/promises';
import { sql } from 'drizzle-orm';
import type { Database } from './database.ts';

/** Longer than any wait that the API asks for and that is obeyed, in milliseconds. */
const longestHold = 600_000;

/** More callers than ever wait for their turns at once. */
const mostCallers = 1000;

/**
 * Spaces the calls to the API evenly over all processes that share the database: each takes the next free instant and
 * waits for it. The database's clock counts, the only one that all of them share.
 */
export class Pace {
  readonly #database: Database;
  readonly #interval: number;

  /** @param requestsPerSecond of all processes together */
  constructor(database: Database, requestsPerSecond: number) {
    this.#database = database;
    this.#interval = 1000 / requestsPerSecond;
  }

  /**
   * The longest that anybody can have been told to wait, in milliseconds. An instant beyond it comes from before the
   * server's clock was set back.
   */
  get #furthest(): number {
    return longestHold + mostCallers * this.#interval;
  }

  /** Waits for a turn. @throws the signal's reason when it is aborted while waiting */
  async turn(signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    const [row] = await this.#database.query<{ wait: number }>(
      'take turn',
      sql`
        insert into cryptoracle.pace as p (next_at)
        values (clock_timestamp() + ${this.#interval}::float8 * interval '1 ms')
        on conflict (id) do update
          set next_at = ${this.#interval}::float8 * interval '1 ms' + case
            when p.next_at > clock_timestamp() + ${this.#furthest}::float8 * interval '1 ms' then clock_timestamp()
            else greatest(p.next_at, clock_timestamp())
          end
        returning (extract(epoch from p.next_at - clock_timestamp()) * 1000 - ${this.#interval}::float8)::float8 as wait`,
    );
    const wait = row?.wait ?? 0;
    try {
      if (wait >= 1) await sleep(wait, undefined, { signal });
    } finally {
      // The timer rejects with an error of its own.
      signal?.throwIfAborted();
    }
  }

  /** Lets nobody call for so many milliseconds, as the API asked. */
  async holdBack(milliseconds: number): Promise<void> {
    await this.#database.query(
      'hold back',
      sql`
        insert into cryptoracle.pace as p (next_at)
        values (clock_timestamp() + ${milliseconds}::float8 * interval '1 ms')
        on conflict (id) do update set next_at = greatest(p.next_at, excluded.next_at)`,
    );
  }
}
