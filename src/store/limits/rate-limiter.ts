import { setTimeout as sleep } from 'node:timers/promises';
import { eq, type SQL, sql } from 'drizzle-orm';
import { alias } from 'drizzle-orm/pg-core';
import { type DailyNeed, nextAffordableAt, reserveOf } from '../../planning/budget.ts';
import type { Lane } from '../../planning/lanes.ts';
import type { Instant, Milliseconds } from '../../time.ts';
import type { Database } from '../connection/database.ts';
import { breaker, pace } from '../schema/index.ts';
import { columnNames, excluded, inMilliseconds, intervalOf } from '../schema/sql.ts';
import { type TakenTurns, TurnLine } from './turn-line.ts';

/** Longer than any wait that the API asks for and that is obeyed. */
const longestHold: Milliseconds = 600_000;

/** More callers than ever wait for their turns at once. */
const mostCallers = 1000;

/** How far ahead a call that is not urgent may take its turn: an urgent one waits so long at most, and one turn more. */
const lead: Milliseconds = 50;

/** How long a lane keeps its place before others though it does not ask: its process may be busy, or gone. */
const claimTime: Milliseconds = 1000;

/** The calls that a day may have, and the part of them that the newest windows need. */
export interface Budget {
  readonly requestsPerDay: number;
  readonly need: DailyNeed;
}

/** The calls of the day are used up, as far as the lane may have them. */
export class BudgetSpent extends Error {
  override readonly name = 'BudgetSpent';
  readonly lane: Lane;
  /** When it may send its next call at the earliest. */
  readonly until: Instant;

  constructor(lane: Lane, until: Instant) {
    super('the daily budget of requests is used up');
    this.lane = lane;
    this.until = until;
  }
}

interface Turn extends Record<string, unknown> {
  /** Whether the API refuses access, where that was asked. */
  readonly refused: boolean;
  /** How many turns were taken. */
  readonly taken: number;
  readonly affordable: boolean;
  /** Until the first of them, or until the next one is free. */
  readonly wait: Milliseconds;
  /** Calls that were sent today. */
  readonly used: number;
  /** Start of the next Beijing day. */
  readonly tomorrow: Instant;
}

type TurnCondition = 'breaker closed' | 'whatever the breaker';

const names = columnNames(pace);

/**
 * Spaces the calls to the API evenly over all processes that share the database, and keeps them within the day's budget.
 * The newest windows take the next free instant whenever it is; all other lanes take one that is near, and only while no
 * lane before them waits. The database's clock counts, the only one that all of them share.
 */
export class RateLimiter {
  readonly #database: Database;
  readonly #interval: Milliseconds;
  readonly #budget: Budget | undefined;
  /** Callers that wait, by lane and condition. */
  readonly #lines = new Map<string, TurnLine>();

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
    await this.#acquire(lane, 'whatever the breaker', signal);
  }

  /**
   * As {@link acquire}, but takes no turn while the breaker is open. It is looked at with the turn, by the same statement.
   * @returns whether there is a turn
   */
  acquireWhileGranted(lane: Lane, signal?: AbortSignal): Promise<boolean> {
    return this.#acquire(lane, 'breaker closed', signal);
  }

  async #acquire(lane: Lane, condition: TurnCondition, signal?: AbortSignal): Promise<boolean> {
    const wait = await this.#line(lane, condition).join(signal);
    if (wait === 'refused') return false;
    try {
      if (wait >= 1) await sleep(wait, undefined, { signal });
    } finally {
      // The timer rejects with an error of its own.
      signal?.throwIfAborted();
    }
    return true;
  }

  #line(lane: Lane, condition: TurnCondition): TurnLine {
    const key = `${lane} ${condition}`;
    const line = this.#lines.get(key) ?? new TurnLine((callers) => this.#takeFor(callers, lane, condition));
    this.#lines.set(key, line);
    return line;
  }

  /** @throws BudgetSpent where the lane may send no more today */
  async #takeFor(callers: number, lane: Lane, condition: TurnCondition): Promise<TakenTurns> {
    const { refused, taken, affordable, wait, used, tomorrow } = await this.#take(callers, lane, condition);
    if (refused) return { turns: 'refused', pause: 0 };
    if (!affordable) throw new BudgetSpent(lane, this.#nextAffordableAt(lane, used, tomorrow));
    const turns = Array.from({ length: taken }, (_, place) => wait + place * this.#interval);
    return { turns, pause: Math.max(this.#shortestPause, wait + taken * this.#interval - lead) };
  }

  #nextAffordableAt(lane: Lane, used: number, tomorrow: Instant): Instant {
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
        with old as (select * from ${pace} where ${pace.id} = 1), now as (select clock_timestamp() as t),
          today as (${this.#today(sql`now left join old on true`)})
        select ${this.#left(lane)} >= 1 as affordable from today`,
    );
    return row?.affordable ?? true;
  }

  /**
   * The longest that anybody can have been told to wait. An instant beyond it comes from before the server's clock was
   * set back.
   */
  get #furthest(): Milliseconds {
    return longestHold + mostCallers * this.#interval;
  }

  /** How often lanes that give way look again. */
  get #shortestPause(): Milliseconds {
    return Math.min(250, Math.max(5, this.#interval / 2));
  }

  /** The day as far as the budget is concerned: calls sent, and which part of the day is left. */
  #today(from: SQL) {
    const local = sql`(t at time zone 'Asia/Shanghai')`;
    return sql`
      select *, ${local}::date as this_day,
        case when ${names.day} = ${local}::date then coalesce(${names.sentToday}, 0) else 0 end as used,
        1 - extract(epoch from ${local} - ${local}::date)::float8 / 86400 as part_left
      from ${from}`;
  }

  /** How many calls more the lane may send today. A lane leaves fewer calls to the lanes before it as the day passes. */
  #left(lane: Lane) {
    if (this.#budget === undefined) return sql`'Infinity'::float8`;
    const { requestsPerDay, need } = this.#budget;
    return sql`floor(${requestsPerDay}::float8 - ${reserveOf(lane, need)}::float8 * part_left - used)`;
  }

  async #take(callers: number, lane: Lane, condition: TurnCondition): Promise<Turn> {
    const turn = await this.#tryTake(callers, lane, condition);
    if (turn !== undefined) return turn;
    await this.#database.run('begin pace', (db) =>
      db.insert(pace).values({ nextAt: sql`clock_timestamp()` }).onConflictDoNothing(),
    );
    return this.#take(callers, lane, condition);
  }

  /** @returns `undefined` where nobody has ever called */
  async #tryTake(callers: number, lane: Lane, condition: TurnCondition): Promise<Turn | undefined> {
    const p = alias(pace, 'p');
    // These lanes go first while a call waits in them; a claim runs out by itself, should its owner have died.
    const noRepair = sql`coalesce(${names.repairUntil} < t, true)`;
    const noLookback = sql`(${noRepair} and coalesce(${names.lookbackUntil} < t, true))`;
    const goesFirst = {
      live: sql`true`,
      repair: sql`true`,
      lookback: noRepair,
      history: noLookback,
      // Its jobs are the last of the queue; a few calls a day need no claim of history against them.
      audit: noLookback,
    }[lane];
    const isRefused = condition === 'breaker closed' ? sql`exists (select from ${breaker})` : sql`false`;
    const near =
      lane === 'live'
        ? sql`${callers}::float8`
        : sql`1 + floor(${inMilliseconds(sql`t + ${intervalOf(lead)} - base`)} / ${this.#interval}::float8)`;
    // Its owner asks again shortly before the next turn is free.
    const claim = sql`base + ${intervalOf(2 * this.#interval + claimTime)}`;
    const claimOf = (owner: Lane, column: typeof p.repairUntil | typeof p.lookbackUntil) =>
      lane === owner
        ? sql`case when affordable and not refused and taken < ${callers}::int then ${claim} else ${column} end`
        : column;
    const [turn] = await this.#database.query<Turn>(
      'take turn',
      sql`
        with quick as materialized (
          -- For this statement alone: the next caller need not wait for the disk. A server that crashes forgets the turns of
          -- its last half second at most, which are over when it runs again.
          select set_config('synchronous_commit', 'off', true)
        ), old as materialized (
          select * from ${pace} where ${pace.id} = 1 for update
        ), now as materialized (
          -- Only after the row is ours.
          select old.*, clock_timestamp() as t from old, quick
        ), today as (
          ${this.#today(sql`now`)}
        ), place as (
          select *, ${isRefused} as refused, ${this.#left(lane)} as calls_left,
            case when ${names.nextAt} > t + ${intervalOf(this.#furthest)} then t
              else greatest(${names.nextAt}, t) end as base
          from today
        ), decision as materialized (
          select *, calls_left >= 1 as affordable,
            case when refused or not ${goesFirst} then 0
              else greatest(0, least(${callers}::float8, ${near}, calls_left))::int end as taken
          from place
        )
        update ${pace} as ${p}
        set ${names.nextAt} = case when taken > 0 then base + taken * ${intervalOf(this.#interval)} else ${p.nextAt} end,
          ${names.day} = this_day,
          ${names.sentToday} = used + taken,
          ${names.repairUntil} = ${claimOf('repair', p.repairUntil)},
          ${names.lookbackUntil} = ${claimOf('lookback', p.lookbackUntil)}
        from decision as d
        where ${p.id} = d.${names.id}
        returning refused, taken, affordable, used::float8 as used, ${inMilliseconds(sql`base - t`)} as wait,
          ${inMilliseconds(sql`(this_day + 1)::timestamp at time zone 'Asia/Shanghai'`)} as tomorrow`,
    );
    return turn;
  }

  /** Lets nobody call for a while, as the API asked. */
  async holdBack(duration: Milliseconds): Promise<void> {
    const later = sql`greatest(${pace.nextAt}, ${excluded(pace).nextAt})`;
    await this.#database.run('hold back', (db) =>
      db
        .insert(pace)
        .values({ nextAt: sql`clock_timestamp() + ${intervalOf(duration)}` })
        .onConflictDoUpdate({ target: pace.id, set: { nextAt: later } }),
    );
  }
}

/** How many calls all processes together have sent on this Beijing day. */
export async function readSentToday(database: Database): Promise<number> {
  const today = sql`(clock_timestamp() at time zone 'Asia/Shanghai')::date`;
  const [row] = await database.run('sent today', (db) =>
    db.select({ sent: pace.sentToday }).from(pace).where(eq(pace.day, today)),
  );
  return row?.sent ?? 0;
}
