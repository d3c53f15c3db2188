import { type SQL, sql } from 'drizzle-orm';
import { type Granularity, granularities, type Metric, metrics, windowLength } from '../../catalog/index.ts';
import type { DataRequest } from '../../planning/request.ts';
import type { Database, Transaction } from '../connection/database.ts';

/**
 * Quality notes: stored values that are hard to believe. They are looked for after the values are stored, and never
 * keep one out; a note goes when its value is corrected.
 */

/** What a note says of a value. */
const notes = {
  outOfRange: 'outside its range',
  netDiffers: 'not positive minus negative',
  rankDiffers: 'rank out of order with mentions',
  fellToZero: 'fell to zero at once',
} as const;

/** Three ratios, each rounded to two decimals, differ by 0.015 at most. */
const netTolerance = 0.02;

/** Counts below it come and go; from it on, a window without any is odd. */
const fewest = 20;

/** From how many entries the windows of one transaction are taken: some thousand at most. */
const mostDue = 50;

/** Enters the windows of a request as written, to be looked over by {@link runQualityChecks}. */
export async function noteWritten(database: Database, request: DataRequest, tx: Transaction): Promise<void> {
  const { start, end } = request.interval;
  await database.query(
    'note written',
    sql`
      insert into cryptoracle.quality_due (granularity, windows)
      values (${request.granularity}, tstzrange(${at(start)}, ${at(end)}))`,
    tx,
  );
}

/**
 * Looks over what was written since the last time and brings the notes up to date; the newest windows first.
 * @param now when the notes are made; milliseconds since the epoch
 * @returns how many notes were added
 */
export function runQualityChecks(database: Database, now: number, signal?: AbortSignal): Promise<number> {
  // One at a time: what an older look found must not be written after a newer one.
  return database.exclusively('look over', () => lookOverDue(database, now, signal));
}

async function lookOverDue(
  database: Database,
  now: number,
  signal: AbortSignal | undefined,
): Promise<number> {
  let added = 0;
  for (const granularity of granularities) {
    for (;;) {
      if (signal?.aborted === true) return added;
      const round = await database.transaction(async (tx) => {
        const due = await takeDue(database, granularity, tx);
        let found = 0;
        for (const stretch of due) found += await lookOverStretch(database, granularity, stretch, now, tx);
        return { isLast: due.length === 0, found };
      });
      added += round.found;
      if (round.isLast) break;
    }
  }
  return added;
}

const at = (instant: number) => new Date(instant).toISOString();

/** A stretch of windows, as PostgreSQL writes instants. */
interface Stretch extends Record<string, unknown> {
  readonly start: string;
  readonly end: string;
}

/**
 * Takes entries out, with all others about the same windows: a window is looked over with all its tokens. They come back
 * where the transaction fails.
 */
function takeDue(database: Database, granularity: Granularity, tx: Transaction): Promise<Stretch[]> {
  return database.query<Stretch>(
    'take quality due',
    sql`
      with newest as materialized (
        select range_agg(windows) as windows
        from (
          select windows from cryptoracle.quality_due
          where granularity = ${granularity}
          order by upper(windows) desc
          limit ${mostDue}
        ) as entries
      ), taken as (
        delete from cryptoracle.quality_due as due using newest
        where due.granularity = ${granularity} and due.windows <@ newest.windows
      )
      select lower(stretch)::text as start, upper(stretch)::text as end
      from (select unnest(windows) as stretch from newest) as stretches`,
    tx,
  );
}

const column = ({ column: name }: Metric) => sql.identifier(name);
const previous = ({ column: name }: Metric) => sql.identifier(`previous_${name}`);
const list = (parts: readonly SQL[]) => sql.join([...parts], sql`, `);

function metricOf(name: (typeof metrics)[number]['column']): Metric {
  const metric = metrics.find((each) => each.column === name);
  if (metric === undefined) throw new RangeError(`no metric ${name}`);
  return metric;
}

const counts = metrics.filter(({ kind }) => kind === 'count');
const bounded = metrics.filter(({ minimum, maximum }) => minimum !== null || maximum !== null);
const net = metricOf('net_sentiment');
const positive = metricOf('positive_ratio');
const negative = metricOf('negative_ratio');
const rank = metricOf('mention_rank');
const mentions = metricOf('mention_count');

/** Every finding in `cells`, as (token, time, metric, note, value, detail). */
const findings = sql`
  select token, time, v.metric, ${notes.outOfRange} as note, v.value,
    format('not within %s to %s', coalesce(v.minimum::text, '-∞'), coalesce(v.maximum::text, '∞')) as detail
  from cells cross join lateral (values ${list(
    bounded.map(
      (metric) =>
        sql`(${metric.code}, ${column(metric)}, ${metric.minimum}::float8, ${metric.maximum}::float8)`,
    ),
  )}) as v (metric, value, minimum, maximum)
  where v.value < v.minimum or v.value > v.maximum
  union all
  select token, time, ${net.code}, ${notes.netDiffers}, ${column(net)},
    format('%s - %s', ${column(positive)}, ${column(negative)})
  from cells
  where abs(${column(net)} - (${column(positive)} - ${column(negative)})) > ${netTolerance}
  union all
  select token, time, ${rank.code}, ${notes.rankDiffers}, ${column(rank)},
    format('%s mentions, but %s on the place before', ${column(mentions)}, better_mentions)
  from cells
  where ${column(rank)} is not null and ${column(mentions)} > better_mentions
  union all
  select token, time, v.metric, ${notes.fellToZero}, v.value, format('%s in the window before', v.previous)
  from cells cross join lateral (values ${list(
    counts.map((metric) => sql`(${metric.code}, ${column(metric)}, ${previous(metric)})`),
  )}) as v (metric, value, previous)
  where previous_time = time - length and v.value = 0 and v.previous >= ${fewest}`;

/**
 * Makes the notes of a stretch what they should be. The window after it is part of it: whether that fell to zero depends
 * on the last one.
 */
async function lookOverStretch(
  database: Database,
  granularity: Granularity,
  stretch: Stretch,
  now: number,
  tx: Transaction,
): Promise<number> {
  const length = sql`(${windowLength[granularity]}::float8 * interval '1 ms')`;
  const start = sql`${stretch.start}::timestamptz`;
  const end = sql`(${stretch.end}::timestamptz + ${length})`;
  const [row] = await database.query<{ added: number }>(
    'look over',
    sql`
      with cells as (
        select *, ${length} as length,
          lag(time) over of_token as previous_time,
          ${list(counts.map((metric) => sql`lag(${column(metric)}) over of_token as ${previous(metric)}`))},
          lag(${column(mentions)}) over of_window as better_mentions
        from cryptoracle.${sql.identifier(`metrics_${granularity}`)}
        where time >= ${start} - ${length} and time < ${end}
        window
          of_token as (partition by token order by time),
          of_window as (
            partition by time, ${column(rank)} is null or ${column(mentions)} is null
            order by ${column(rank)}, ${column(mentions)} desc
          )
      ), found as (
        select * from (${findings}) as f where time >= ${start}
      ), gone as (
        delete from cryptoracle.quality_notes as n
        where n.granularity = ${granularity} and n.time >= ${start} and n.time < ${end}
          and not exists (
            select from found as f
            where f.token = n.token and f.time = n.time and f.metric = n.metric and f.note = n.note
          )
      ), noted as (
        insert into cryptoracle.quality_notes as n
          (granularity, token, time, metric, note, value, detail, noted_at)
        select ${granularity}, token, time, metric, note, value, detail, ${at(now)}::timestamptz from found
        on conflict (granularity, token, time, metric, note) do update
          set value = excluded.value, detail = excluded.detail
          where (n.value, n.detail) is distinct from (excluded.value, excluded.detail)
        returning xmax = 0 as is_new
      )
      select count(*) filter (where is_new)::int as added from noted`,
    tx,
  );
  return row?.added ?? 0;
}
