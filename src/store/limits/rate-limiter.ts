import { setTimeout as sleep } from 'node:timers/promises';
import { sql } from 'drizzle-orm';
import { type DailyNeed, nextAffordableAt, reserveOf } from '../../planning/budget.ts';
import type { Lane } from '../../planning/lanes.ts';
import type { Database } from '../connection/database.ts';

/** Longer than any wait that the API asks for and that is obeyed, in milliseconds. */
const longestHold = 600_000;

/** More callers than ever wait for their turns at once. */
const mostCallers = 1000;

/**
 * How far ahead a call that is not urgent may take its turn, in milliseconds: an urgent one waits so long at most, and one
 * turn more.
 */
const lead = 500;

/** How many calls a day may have, and what of them the newest windows need. */
export interface Budget {
  readonly requestsPerDay: number;
  readonly need: DailyNeed;
}

/** The calls of the day are used up, as far as the lane may have them. */
export class BudgetSpent extends Error {
  override readonly name = 'BudgetSpent';
  readonly lane: Lane;
  /** When it may send its next call at the earliest; milliseconds since the epoch. */
  readonly until: number;

  constructor(lane: Lane, until: number) {
    super('the daily budget of requests is used up');
    this.lane = lane;
    this.until = until;
  }
}

interface Turn extends Record<string, unknown> {
  readonly taken: boolean;
  readonly affordable: boolean;
  /** Milliseconds until the turn, or until the next one is free. */
  readonly wait: number;
  /** Calls that were sent today. */
  readonly used: number;
  /** Start of the next Beijing day; milliseconds since the epoch. */
  readonly tomorrow: number;
}

/**
 * Spaces the calls to the API evenly over all processes that share the database, and keeps them within the day's budget.
 * The newest windows take the next free instant whenever it is; all other lanes take one that is near, and only while no
 * lane before them waits. The database's clock counts, the only one that all of them share.
 */
export class RateLimiter {
  readonly #database: Database;
  readonly #interval: number;
  readonly #budget: Budget | undefined;

  /** @param requestsPerSecond of all processes together */
  constructor(database: Database, requestsPerSecond: number, budget?: Budget) {
    this.#database = database;
    this.#interval = 1000 / requestsPerSecond;
    this.#budget = budget;
  }

  /**
   * Waits for a turn.
   * @throws the signal's reason when it is aborted while waiting; BudgetSpent where the lane may send no more today
   */
  async acquire(lane: Lane, signal?: AbortSignal): Promise<void> {
    for (;;) {
      signal?.throwIfAborted();
      const { taken, affordable, wait, used, tomorrow } = await this.#take(lane);
      if (!affordable) throw new BudgetSpent(lane, this.#nextAffordableAt(lane, used, tomorrow));
      const pause = taken ? wait : Math.max(this.#shortestPause, wait - lead);
      try {
        if (pause >= 1) await sleep(pause, undefined, { signal });
      } finally {
        // The timer rejects with an error of its own.
        signal?.throwIfAborted();
      }
      if (taken) return;
    }
  }

  #nextAffordableAt(lane: Lane, used: number, tomorrow: number): number {
    if (this.#budget === undefined) return tomorrow;
    const { requestsPerDay, need } = this.#budget;
    return nextAffordableAt(requestsPerDay, reserveOf(lane, need), used, tomorrow);
  }

  /** Whether the lane may send a call now. */
  async canSend(lane: Lane): Promise<boolean> {
    if (this.#budget === undefined) return true;
    const [row] = await this.#database.query<{ affordable: boolean }>(
      'look at budget',
      sql`
        with old as (select * from cryptoracle.pace where id = 1), now as (select clock_timestamp() as t),
          today as (${this.#today(sql`now left join old on true`)})
        select ${this.#affordable(lane)} as affordable from today`,
    );
    return row?.affordable ?? true;
  }

  /**
   * The longest that anybody can have been told to wait, in milliseconds. An instant beyond it comes from before the
   * server's clock was set back.
   */
  get #furthest(): number {
    return longestHold + mostCallers * this.#interval;
  }

  /** Lanes that give way look again so often, in milliseconds. */
  get #shortestPause(): number {
    return Math.min(250, Math.max(5, this.#interval / 2));
  }

  /** The day as far as the budget is concerned: calls sent, and which part of the day is left. */
  #today(from: ReturnType<typeof sql>) {
    const local = sql`(t at time zone 'Asia/Shanghai')`;
    return sql`
      select *, ${local}::date as this_day,
        case when day = ${local}::date then coalesce(sent_today, 0) else 0 end as used,
        1 - extract(epoch from ${local} - ${local}::date)::float8 / 86400 as part_left
      from ${from}`;
  }

  /** What a lane leaves to those before it shrinks as the day passes. */
  #affordable(lane: Lane) {
    if (this.#budget === undefined) return sql`true`;
    const { requestsPerDay, need } = this.#budget;
    return sql`used + 1 <= ${requestsPerDay}::float8 - ${reserveOf(lane, need)}::float8 * part_left`;
  }

  async #take(lane: Lane): Promise<Turn> {
    const turn = await this.#tryTake(lane);
    if (turn !== undefined) return turn;
    await this.#database.query(
      'begin pace',
      sql`insert into cryptoracle.pace (next_at) values (clock_timestamp()) on conflict do nothing`,
    );
    return this.#take(lane);
  }

  /** @returns `undefined` where nobody has ever called */
  async #tryTake(lane: Lane): Promise<Turn | undefined> {
    const ms = (milliseconds: number) => sql`${milliseconds}::float8 * interval '1 ms'`;
    // Who waits in these lanes goes first; a claim runs out by itself, should its owner have died.
    const noRepair = sql`coalesce(repair_until < t, true)`;
    const goesFirst = {
      live: sql`true`,
      repair: sql`true`,
      lookback: noRepair,
      history: sql`(${noRepair} and coalesce(lookback_until < t, true))`,
    }[lane];
    const isNear = lane === 'live' ? sql`true` : sql`base <= t + ${ms(lead)}`;
    const claim = sql`t + ${ms(2 * (this.#interval + lead))}`;
    const claimOf = (owner: Lane, column: ReturnType<typeof sql>) =>
      lane === owner
        ? sql`case when affordable and not taken then ${claim} else p.${column} end`
        : sql`p.${column}`;
    const [turn] = await this.#database.query<Turn>(
      'take turn',
      sql`
        with old as materialized (
          select * from cryptoracle.pace where id = 1 for update
        ), now as materialized (
          -- Only after the row is ours.
          select *, clock_timestamp() as t from old
        ), today as (
          ${this.#today(sql`now`)}
        ), place as (
          select *, ${this.#affordable(lane)} as affordable,
            case when next_at > t + ${ms(this.#furthest)} then t else greatest(next_at, t) end as base
          from today
        ), decision as materialized (
          select *, affordable and ${goesFirst} and ${isNear} as taken from place
        )
        update cryptoracle.pace as p
        set next_at = case when taken then base + ${ms(this.#interval)} else p.next_at end,
          day = this_day,
          sent_today = used + taken::int,
          repair_until = ${claimOf('repair', sql`repair_until`)},
          lookback_until = ${claimOf('lookback', sql`lookback_until`)}
        from decision as d
        where p.id = d.id
        returning taken, affordable, used::float8 as used, (extract(epoch from base - t) * 1000)::float8 as wait,
          (extract(epoch from (this_day + 1)::timestamp at time zone 'Asia/Shanghai') * 1000)::float8 as tomorrow`,
    );
    return turn;
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

/** How many calls all processes together have sent on this Beijing day. */
export async function readSentToday(database: Database): Promise<number> {
  const [row] = await database.query<{ sent: number }>(
    'sent today',
    sql`
      select sent_today as sent from cryptoracle.pace
      where day = (clock_timestamp() at time zone 'Asia/Shanghai')::date`,
  );
  return row?.sent ?? 0;
}
