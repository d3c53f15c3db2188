import { type SQL, sql } from 'drizzle-orm';
import { type Granularity, granularities, type Token } from '../../catalog/index.ts';
import type { Instant, Milliseconds } from '../../time.ts';
import type { Database } from '../connection/database.ts';
import { tokens as listedTokens } from '../schema/index.ts';
import { inMilliseconds, metricTable, textArray, timestamptz, windowLengthSql } from '../schema/sql.ts';

/**
 * Whether as many tokens have a value as is usual: a vendor that goes quiet for all tokens but one still moves the newest
 * window on.
 */

/** So long a window must have been due before its tokens are counted: the pipeline needs a moment to fetch it. */
export const countedAfter: Milliseconds = 600_000;

/** A window that has been due for so long and has no value of any token is late. */
export const lateAfter: Milliseconds = 1_800_000;

/** The windows of so many days before, at the same hour, say what is usual. */
const usualDays = 14;

/** With fewer days that have a value nothing is usual yet. */
const fewestDays = 3;

/** Of the tokens that are usual, this share has to have a value. */
export const quietBelow = 0.8;

/** How many tokens have a value in a window, and in how many that is usual. */
export interface TokenCounts {
  /** Start of the window. */
  readonly window: Instant;
  readonly tokens: number;
  /** Median of the windows at this hour on the 14 days before that have a value; `undefined` where fewer than 3 have one. */
  readonly usual: number | undefined;
}

/** How many of the tokens have a row in the window. @param tokens a relation with a column `token` */
export const tokensWithin = (granularity: Granularity, window: SQL, tokens: SQL) => sql`(
  select count(*)::integer
  from (
    select m.token from ${metricTable(granularity)} as m where m.time = ${window}
    -- Has the window read once, by its time, and not looked up for each token.
    offset 0
  ) as within
  where within.token in (select wanted.token from (${tokens}) as wanted))`;

/**
 * Median of {@link tokensWithin} over the windows at the same hour of the days before; NULL where the history is short. Windows
 * without any value do not count: they may not have been asked for yet, and what is missing for days is not what is usual.
 */
export const usualTokens = (granularity: Granularity, window: SQL, tokens: SQL) => sql`(
  select percentile_disc(0.5) within group (order by day.tokens)
  from (
    select ${tokensWithin(granularity, sql`earlier.window`, tokens)} as tokens
    from generate_series(1, ${sql.raw(String(usualDays))}) as ago
    cross join lateral (select ${window} - ago * interval '24 hours' as window) as earlier
    -- Keeps the tokens from being counted a second time for the condition below.
    offset 0
  ) as day
  where day.tokens > 0
  having count(*) >= ${sql.raw(String(fewestDays))})`;

/** Whether so few tokens have a value that something must be wrong; the vendor, or we. */
export const isQuiet = ({ tokens, usual }: Pick<TokenCounts, 'tokens' | 'usual'>) =>
  usual !== undefined && tokens < quietBelow * usual;

/** Windows whose tokens are looked at, by their starts. */
export interface LookedAt {
  /** Whose tokens are counted and compared with what is usual. */
  readonly counted: Instant;
  /** Whose missing tokens are named. */
  readonly newest: Instant;
}

/**
 * @param tokens all that are wanted, and those of them that have such windows
 * @returns the counts, and which of the expected tokens lack a value in the newest window, in their order
 */
export async function countTokens(
  database: Database,
  granularity: Granularity,
  { counted, newest }: LookedAt,
  { all, expected }: { readonly all: readonly Token[]; readonly expected: readonly Token[] },
): Promise<TokenCounts & { readonly missing: readonly Token[] }> {
  const relation = sql`select unnest(${textArray(all)}) as token`;
  const start = timestamptz(counted);
  const [row] = await database.query<{ tokens: number; usual: number | null; missing: Token[] }>(
    'count tokens',
    sql`select ${tokensWithin(granularity, start, relation)} as tokens,
      ${usualTokens(granularity, start, relation)} as usual,
      array(
        select t.token from unnest(${textArray(expected)}) with ordinality as t (token, place)
        where not exists (
          select from ${metricTable(granularity)} as m
          where m.token = t.token and m.time = ${timestamptz(newest)})
        order by t.place
      ) as missing`,
  );
  const { tokens: there = 0, usual, missing = [] } = row ?? {};
  return { window: counted, tokens: there, usual: usual ?? undefined, missing };
}

/** The newest window of a token in a granularity, as a row `time`, `first_seen_at`, or none. */
export const newestOf = (granularity: Granularity, token: SQL) => sql`
  select known.time, known.first_seen_at from ${metricTable(granularity)} as known
  where known.token = ${token} order by known.time desc limit 1`;

/**
 * The share of the windows of the 14 days up to the token's newest one that have a row, since its first one where that is
 * within them: many tokens are mentioned now and then only. NULL where there is no newest one.
 *
 * @param newest start of the newest window
 */
export const usualShare = (granularity: Granularity, token: SQL, newest: SQL) => {
  const table = metricTable(granularity);
  const length = windowLengthSql(granularity);
  const before = sql`${newest} - ${sql.raw(`interval '${usualDays * 24} hours'`)}`;
  const hasOlder = sql`exists (
    select from ${table} as older where older.token = ${token} and older.time <= ${before})`;
  return sql`(
    select count(*) * extract(epoch from ${length})
      / extract(epoch from ${newest} - case when ${hasOlder} then ${before} else min(past.time) - ${length} end)
    from ${table} as past
    where past.token = ${token} and past.time > ${before} and past.time <= ${newest})::float8`;
};

/** How far a token has come in a granularity, from the view `token_freshness`. */
export interface TokenFreshness {
  readonly granularity: Granularity;
  readonly token: Token;
  /** Start of its newest window with a value; `undefined` where there is none. */
  readonly newest: Instant | undefined;
  /** Windows after it that are due. */
  readonly windowsBehind: number | null;
  /** Share of the windows before that have a value, 0 to 1. */
  readonly usualShare: number | null;
  readonly isLate: boolean | null;
}

/** Of all that is wanted: by token in the order of the API's list, then by granularity, the finest first. */
export async function readTokenFreshness(
  database: Database,
  tokens: readonly Token[] | 'all',
): Promise<TokenFreshness[]> {
  const rows = await database.query<Omit<TokenFreshness, 'newest'> & { newest: Instant | null }>(
    'read token freshness',
    sql`
      select granularity, token, ${inMilliseconds(sql`newest_window`)} as newest,
        windows_behind as "windowsBehind", usual_share as "usualShare", is_late as "isLate"
      from cryptoracle.token_freshness
      join ${listedTokens} using (token)
      where ${tokens === 'all' ? sql`true` : sql`token = any (${textArray(tokens)})`}
      order by position, token, array_position(${textArray(granularities)}, granularity)`,
  );
  return rows.map(({ newest, ...row }) => ({ ...row, newest: newest ?? undefined }));
}
