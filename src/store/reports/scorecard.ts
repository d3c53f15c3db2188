import { sql } from 'drizzle-orm';
import pg from 'pg';
import type { ApiVersion, Granularity, MetricCode, Token } from '../../catalog/index.ts';
import type { Interval } from '../../planning/interval.ts';
import type { WantedWindows } from '../../planning/plan.ts';
import { windowCount } from '../../planning/windows.ts';
import type { Instant, Milliseconds } from '../../time.ts';
import type { Database } from '../connection/database.ts';
import { quarantine, requests, revisions } from '../schema/index.ts';
import { intervalOf, metricTable, textArray, timestamptz, windowLengthSql } from '../schema/sql.ts';
import { readEvents, type StoredEvent } from './events.ts';
import { readReportedGaps } from './gaps.ts';

/** How well the vendor has served in a stretch of time, from what is stored. */

export interface ScorecardScope {
  readonly tokens: readonly Token[];
  readonly metrics: readonly MetricCode[];
  readonly apiVersion: ApiVersion;
  /** From the close of a window until it is due. */
  readonly settleDelay: Milliseconds;
}

/** Of many numbers, in seconds. */
export interface Spread {
  readonly median: number;
  readonly p90: number;
  readonly p99: number;
  readonly longest: number;
}

export interface GranularityScore {
  readonly granularity: Granularity;
  /** Windows of a token whose first value was observed, not loaded as history. */
  readonly observed: number;
  /** From when these were due until their first value was stored; `null` where there are none. */
  readonly delay: Spread | null;
  readonly values: number;
  /** Cells that the API answered without a value, of tokens that have such windows. */
  readonly empty: number;
  /** Values that changed after they were stored, each counted once. */
  readonly revised: number;
  /** Values that came after they had been asked for in vain. */
  readonly late: number;
  /** Things that could not be stored. */
  readonly quarantined: number;
}

export interface CallScore {
  readonly sent: number;
  readonly answered: number;
  readonly byOutcome: Readonly<Record<string, number>>;
  /** How long answers took; `null` where there are none. */
  readonly answerTime: Spread | null;
  /** Minutes in which calls were sent, those in which one failed or was refused, and those without an answer at all. */
  readonly minutes: number;
  readonly minutesOfErrors: number;
  readonly minutesWithoutAnswer: number;
}

export interface Scorecard {
  readonly range: Interval;
  readonly granularities: readonly GranularityScore[];
  readonly calls: CallScore;
  /** Outages and refusals of access, the oldest first. */
  readonly outages: readonly StoredEvent[];
}

/** Part of a whole, 0 to 1; `null` where there is no whole. */
export const rateOf = (part: number, whole: number): number | null => (whole === 0 ? null : part / whole);

const mostOutages = 100;

/**
 * @param range of calls and events
 * @param wanted windows that were due
 */
export async function readScorecard(
  database: Database,
  scope: ScorecardScope,
  range: Interval,
  wanted: WantedWindows,
  now: Instant,
): Promise<Scorecard> {
  const scores: GranularityScore[] = [];
  for (const [granularity, interval] of wanted) {
    scores.push({
      granularity,
      ...(await readDelays(database, granularity, interval, scope)),
      ...(await readValues(database, granularity, interval, scope)),
      empty: await countEmpty(database, granularity, interval, scope, now),
    });
  }
  const kinds = ['api outage', 'access refused'] as const;
  const { events } = await readEvents(
    database,
    { kinds, since: range.start, before: range.end },
    mostOutages,
  );
  return {
    range,
    granularities: scores,
    calls: await readCalls(database, range),
    outages: events.toReversed(),
  };
}

/** The spread of an expression as columns of a select; all NULL where it reads no rows. */
const spreadOf = (seconds: ReturnType<typeof sql>, condition = sql`true`) => sql`
  case when count(*) filter (where ${condition}) > 0 then json_build_object(
    'median', percentile_cont(0.5) within group (order by ${seconds}) filter (where ${condition}),
    'p90', percentile_cont(0.9) within group (order by ${seconds}) filter (where ${condition}),
    'p99', percentile_cont(0.99) within group (order by ${seconds}) filter (where ${condition}),
    'longest', max(${seconds}) filter (where ${condition})
  ) end`;

async function readDelays(
  database: Database,
  granularity: Granularity,
  { start, end }: Interval,
  { tokens, settleDelay }: ScorecardScope,
): Promise<Pick<GranularityScore, 'observed' | 'delay'>> {
  const due = sql`m.time + ${windowLengthSql(granularity)} + ${intervalOf(settleDelay)}`;
  const [row] = await database.query<{ observed: number; delay: Spread | null }>(
    'scorecard delays',
    sql`
      select count(*)::float8 as observed, ${spreadOf(sql`extract(epoch from m.first_seen_at - (${due}))::float8`)} as delay
      from ${metricTable(granularity)} as m
      where not m.backfilled and m.token = any (${textArray(tokens)})
        and m.time >= ${timestamptz(start)} and m.time < ${timestamptz(end)}`,
  );
  return row ?? { observed: 0, delay: null };
}

async function readValues(
  database: Database,
  granularity: Granularity,
  { start, end }: Interval,
  { tokens, metrics }: ScorecardScope,
): Promise<Pick<GranularityScore, 'values' | 'revised' | 'late' | 'quarantined'>> {
  const columns = metrics.map((code) => pg.escapeIdentifier(database.catalogue.metric(code).column));
  const within = sql`"time" >= ${timestamptz(start)} and "time" < ${timestamptz(end)}`;
  const ofScope = sql`${within} and token = any (${textArray(tokens)})`;
  const changes = sql`
    select distinct token, "time", metric, old is null as late from ${revisions}
    where granularity = ${granularity} and ${ofScope} and metric = any (${textArray(metrics)})`;
  const [row] = await database.query<{ values: number; revised: number; late: number; quarantined: number }>(
    'scorecard values',
    sql`
      select
        (select coalesce(sum(num_nonnulls(${sql.raw(columns.join(', '))})), 0)::float8
         from ${metricTable(granularity)} where ${ofScope}) as values,
        (select count(*) from (${changes}) as c where not late)::float8 as revised,
        (select count(*) from (${changes}) as c where late)::float8 as late,
        (select count(*) from ${quarantine} where granularity = ${granularity} and ${within})::float8 as quarantined`,
  );
  return row ?? { values: 0, revised: 0, late: 0, quarantined: 0 };
}

async function countEmpty(
  database: Database,
  granularity: Granularity,
  interval: Interval,
  { tokens, metrics, apiVersion }: ScorecardScope,
  now: Instant,
): Promise<number> {
  if (interval.start >= interval.end) return 0;
  const cells = { granularity, tokens, metrics, interval, apiVersion };
  const gaps = await readReportedGaps(database, cells, ['empty at the source'], now);
  return gaps.reduce(
    (sum, gap) => sum + windowCount(granularity, gap.interval) * gap.tokens.length * gap.metrics.length,
    0,
  );
}

async function readCalls(database: Database, { start, end }: Interval): Promise<CallScore> {
  const [row] = await database.query<CallScore & Record<string, unknown>>(
    'scorecard calls',
    sql`
      with calls as materialized (
        select outcome, milliseconds, date_trunc('minute', sent_at) as minute,
          outcome in ('answered', 'cut-short', 'no-data') as answered,
          outcome in ('transient', 'throttled', 'access-denied') as failed
        from ${requests} where sent_at >= ${timestamptz(start)} and sent_at < ${timestamptz(end)}
      ), minutes as (
        select bool_or(failed) as failed, bool_or(answered) as answered from calls group by minute
      )
      select count(*)::float8 as sent, (count(*) filter (where answered))::float8 as answered,
        ${spreadOf(sql`milliseconds / 1000.0::float8`, sql`answered`)} as "answerTime",
        (select coalesce(json_object_agg(outcome, number), '{}')
         from (select outcome, count(*) as number from calls group by outcome) as o) as "byOutcome",
        (select count(*) from minutes)::float8 as minutes,
        (select count(*) from minutes where failed)::float8 as "minutesOfErrors",
        (select count(*) from minutes where failed and not answered)::float8 as "minutesWithoutAnswer"
      from calls`,
  );
  if (row === undefined) throw new RangeError('an aggregate gives a row');
  return row;
}

/** The instants of an event in the range, in milliseconds. */
export function timeWithin(
  { at, until, isOpen }: StoredEvent,
  { start, end }: Interval,
  now: Instant,
): Milliseconds {
  return Math.max(0, Math.min(isOpen ? now : until, end) - Math.max(at, start));
}
