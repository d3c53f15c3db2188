import { type SQL, sql } from 'drizzle-orm';
import { alias } from 'drizzle-orm/pg-core';
import { type Granularity, type MetricCode, type Token, windowLength } from '../../catalog/index.ts';
import type { Interval } from '../../planning/interval.ts';
import type { Instant, Milliseconds } from '../../time.ts';
import type { Database } from '../connection/database.ts';
import type { Reader } from '../connection/reader.ts';
import { coverage, entitlements, metricTables, quarantine } from '../schema/index.ts';
import { columnNames, inMilliseconds, metricTable, textArray, tstzrangeOf } from '../schema/sql.ts';

/**
 * Many tokens have no 15m or 1h windows at all. Which ones, the ledger tells: they were asked for often enough, nothing
 * ever came, and it did come for others.
 */

/** How many windows the API must have answered without any value. */
export const enoughWindows = 20;

/** After how long without an answer a token is looked at again. */
const lookAfter: Milliseconds = 7 * 86_400_000;

/** Start of the first window that holds a value of the token; NULL where none does. */
export function firstValueOf(granularity: Granularity, token: SQL): SQL {
  const name = columnNames(metricTables[granularity]);
  return sql`(
    select known.${name.time} from ${metricTable(granularity)} as known
    where known.${name.token} = ${token} order by known.${name.time} limit 1)`;
}

/**
 * Whether enough windows of each of the metrics were answered to tell, but for those that the subscription refuses: one
 * that the token never has says nothing about the others.
 */
function isAskedEnough(granularity: Granularity, token: SQL, metrics: SQL): SQL {
  const seconds = sql.raw(String((enoughWindows * windowLength[granularity]) / 1000));
  const asked = alias(coverage, 'asked');
  return sql`(
    select bool_and(exists (
      select from ${coverage} as ${asked}
      where ${asked.granularity} = ${sql.raw(`'${granularity}'`)} and ${asked.token} = ${token} and ${asked.metric} = code
        and (select sum(extract(epoch from upper(part) - lower(part))) from unnest(${asked.answered}) as part) >= ${seconds}
    ))
    from unnest(${metrics}) as code
    where code not in (select ${entitlements.metric} from ${entitlements})
  ) is true`;
}

/** Availability is judged by stretches of so many days: a token may have lost a granularity, or got it late. */
const stretch = sql.raw("interval '30 days'");

/** The parts of a range, thirty days each, as rows `part`. A window may lie across the edge of two. */
const parts = (windows: SQL) => sql`
    generate_series(
      date_bin(${stretch}, lower(${windows}), timestamptz 'epoch'),
      upper(${windows}) - interval '1 microsecond', ${stretch}
    ) as block (start)
    cross join lateral (select tstzrange(block.start, block.start + ${stretch}) * ${windows} as part) as p`;

/** Whether too few windows of a part of the range were answered to tell whether there are any. */
const isUnprobed = (granularity: Granularity, answered: SQL) => {
  const length = windowLength[granularity] / 1000;
  const [enough, one] = [sql.raw(String(enoughWindows * length)), sql.raw(String(length))];
  return sql`not isempty(p.part) and coalesce((
      select sum(extract(epoch from upper(piece) - lower(piece)))
      from unnest(${answered} * tstzmultirange(p.part)) as piece
    ), 0) < least(${enough}, extract(epoch from upper(p.part) - lower(p.part))) - ${one}`;
};

/**
 * The parts of a range, thirty days each, in which too few windows of a token were answered to tell whether it has any: a
 * select of `part`.
 *
 * @param windows the range, on the grid
 */
export function unprobedParts(granularity: Granularity, token: SQL, metrics: SQL, windows: SQL): SQL {
  const asked = alias(coverage, 'asked');
  return sql`
    select p.part from ${parts(windows)}
    where exists (
      select from (
        select distinct ${asked.answered} as answered from ${coverage} as ${asked}
        where ${asked.granularity} = ${sql.raw(`'${granularity}'`)} and ${asked.token} = ${token}
          and ${asked.metric} = any ((${metrics})::text[])
          and ${asked.metric} not in (select ${entitlements.metric} from ${entitlements})
      ) as ledger
      where ${isUnprobed(granularity, sql`ledger.answered`)}
    )`;
}

/**
 * Whether the API has no windows of the granularity for a token of which no value is stored. An entry in quarantine
 * shows that there are some; and where no token has a value, that says nothing about one of them.
 *
 * @param metrics the codes whose coverage counts, as an array
 * @param windows a range; where it is given, each thirty days of it must have been probed
 */
export function isUnavailable(granularity: Granularity, token: SQL, metrics: SQL, windows?: SQL): SQL {
  const isProbed =
    windows === undefined
      ? sql``
      : sql`and not exists (${unprobedParts(granularity, token, metrics, windows)})`;
  const name = sql.raw(`'${granularity}'`);
  const sent = alias(quarantine, 'sent');
  return sql`(
    exists (select from ${metricTable(granularity)})
    and ${isAskedEnough(granularity, token, metrics)}
    and not exists (
      select from ${quarantine} as ${sent}
      where ${sent.granularity} = ${name} and ${sent.token} = ${token} and ${sent.resolution} is null
    ) ${isProbed})`;
}

/**
 * The tokens that the API has no windows of the granularity for, each with the end of the newest window that it has
 * answered.
 *
 * @param probedIn where it is given, those alone of which each thirty days of it were probed
 */
export async function readUnavailable(
  reader: Reader,
  granularity: Granularity,
  tokens: readonly Token[],
  metrics: readonly MetricCode[],
  probedIn?: Interval,
): Promise<ReadonlyMap<Token, Instant>> {
  const rows = await reader.query<{ token: Token; until: Instant }>(
    'read unavailable',
    selectUnavailable(granularity, textArray(tokens), textArray(metrics), probedIn && tstzrangeOf(probedIn)),
  );
  return new Map(rows.map(({ token, until }) => [token, until]));
}

/**
 * As {@link isUnavailable}, for many tokens at once. The metrics of a token are mostly answered alike: each ledger is
 * looked at once, whatever number of metrics has it.
 */
function selectUnavailable(granularity: Granularity, tokens: SQL, metrics: SQL, windows?: SQL): SQL {
  const name = sql.raw(`'${granularity}'`);
  const seconds = sql.raw(String((enoughWindows * windowLength[granularity]) / 1000));
  const c = alias(coverage, 'c');
  const sent = alias(quarantine, 'sent');
  const isUnprobedAnywhere =
    windows === undefined
      ? sql`false`
      : sql`exists (select from ${parts(windows)} where ${isUnprobed(granularity, sql`ledger.answered`)})`;
  return sql`
    with candidate as materialized (
      select t.token from unnest(${tokens}) as t (token)
      where ${firstValueOf(granularity, sql`t.token`)} is null and exists (select from ${metricTable(granularity)})
        and not exists (
          select from ${quarantine} as ${sent}
          where ${sent.granularity} = ${name} and ${sent.token} = t.token and ${sent.resolution} is null)
    ), ledger as materialized (
      select ${c.token} as token, ${c.answered} as answered, count(*) as metrics,
        ${c.metric} in (select ${entitlements.metric} from ${entitlements}) as is_refused
      from ${coverage} as ${c}
      where ${c.granularity} = ${name} and ${c.token} in (select candidate.token from candidate)
        and ${c.metric} = any (${metrics})
      group by 1, 2, 4
    ), asked as (
      select count(distinct code) as metrics from unnest(${metrics}) as code
      where code not in (select ${entitlements.metric} from ${entitlements})
    )
    select ledger.token, ${inMilliseconds(sql`max(upper(ledger.answered))`)} as until
    from ledger
    group by ledger.token
    having sum(ledger.metrics) filter (where not ledger.is_refused) = (select metrics from asked)
      and bool_and(ledger.is_refused or (
        (select sum(extract(epoch from upper(part) - lower(part))) from unnest(ledger.answered) as part) >= ${seconds}
        and not ${isUnprobedAnywhere}))`;
}

/** How many of the tokens have no value yet, and have not been asked for often enough to tell. */
export async function countUnseen(
  database: Database,
  granularity: Granularity,
  tokens: readonly Token[],
  metrics: readonly MetricCode[],
): Promise<number> {
  const codes = textArray(metrics);
  const [row] = await database.query<{ unseen: number }>(
    'count unseen',
    sql`
      select count(*)::int as unseen from unnest(${textArray(tokens)}) as t (token)
      where ${firstValueOf(granularity, sql`t.token`)} is null
        and not ${isAskedEnough(granularity, sql`t.token`, codes)}`,
  );
  return row?.unseen ?? 0;
}

/** Whether a token that was last answered until then is to be looked at again. @param end of the newest wanted window */
export function isReprobeDue(answeredUntil: Instant, end: Instant): boolean {
  return end - answeredUntil > lookAfter;
}
