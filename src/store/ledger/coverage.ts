import { and, eq, type SQL, type SQLWrapper, sql } from 'drizzle-orm';
import { alias } from 'drizzle-orm/pg-core';
import {
  metrics as catalogue,
  type Granularity,
  type MetricCode,
  type TagCode,
  type Token,
  windowLength,
} from '../../catalog/index.ts';
import type { Interval } from '../../planning/interval.ts';
import type { Gap } from '../../planning/packing.ts';
import type { Instant, Milliseconds } from '../../time.ts';
import type { Database, Transaction } from '../connection/database.ts';
import { coverage, dropped, metricTables, refreshed, suspects } from '../schema/index.ts';
import {
  columnNames,
  excluded,
  float8Array,
  inMilliseconds,
  intervalOf,
  metricTable,
  textArray,
  timestamptz,
  timestamptzArray,
  tstzrangeOf,
} from '../schema/sql.ts';
import { type LeftAlone, leftAlone } from './suspects.ts';

/** The ledger: which cells the API has answered, as a multirange of window starts for each token and metric. */

/** The ledger of all answers, or that of an order which asks again (see `refreshed`). */
export interface LedgerChoice extends LeftAlone {
  /** Number of the order. */
  readonly refreshOf?: number | undefined;
}

export interface CellSelection {
  readonly granularity: Granularity;
  readonly tokens: readonly Token[];
  readonly metrics: readonly (MetricCode | TagCode)[];
  /** On the grid. */
  readonly interval: Interval;
}

/**
 * The cells of the selection that have not been answered, nor removed here by somebody, less suspects that are left alone, as
 * blocks of tokens that miss the same metrics in the same interval; newest first.
 */
export async function readGaps<Code extends MetricCode | TagCode = MetricCode>(
  database: Database,
  selection: CellSelection & { readonly metrics: readonly Code[] },
  { refreshOf, ...suspects }: LedgerChoice = {},
): Promise<(Omit<Gap, 'metrics'> & { readonly metrics: readonly Code[] })[]> {
  const ledger =
    refreshOf === undefined
      ? sql`${coverage}`
      : sql`(select * from ${refreshed} where ${refreshed.backfill} = ${refreshOf})`;
  const known = alias(coverage, 'known');
  const removed = alias(dropped, 'removed');
  const { granularity, tokens, metrics, interval } = selection;
  const missing = sql`
    select t.token, token_order, m.metric, metric_order,
      unnest(
        tstzmultirange(${tstzrangeOf(interval)}) - coalesce(${known.answered}, '{}') - coalesce(${removed.windows}, '{}')
          - coalesce(${leftAlone(granularity, sql`t.token`, sql`m.metric`, suspects)}, '{}')
      ) as gap
    from unnest(${textArray(tokens)}) with ordinality as t (token, token_order)
    cross join unnest(${textArray(metrics)}) with ordinality as m (metric, metric_order)
    left join ${ledger} as ${known}
      on ${known.granularity} = ${granularity} and ${known.token} = t.token and ${known.metric} = m.metric
    -- What somebody removed here is asked for by a refresh only.
    left join ${dropped} as ${removed}
      on ${removed.granularity} = ${granularity} and ${removed.token} = t.token and ${removed.metric} = m.metric
        and ${refreshOf === undefined}::boolean`;
  return readBlocks(database, 'read gaps', granularity, missing);
}

/** Cells of some tokens, whatever their metrics. */
type TokenWindows = Omit<CellSelection, 'metrics'>;

/** A table of the ledger, and its column of windows. */
type KnownWindows = readonly [table: typeof coverage | typeof dropped | typeof suspects, windows: SQLWrapper];

/**
 * The positions of the selections that any of the tables knows windows of, for some of their tokens.
 * @param name of the statement
 */
export async function findTouched(
  database: Database,
  name: string,
  selections: readonly TokenWindows[],
  tables: readonly KnownWindows[],
  tx?: Transaction,
): Promise<ReadonlySet<number>> {
  const asked = selections.flatMap(({ granularity, tokens, interval }, place) =>
    tokens.map((token) => ({ place, granularity, token, ...interval })),
  );
  const known = tables.map(
    ([table, windows]) => sql`
        select 1 from ${table}
        where ${table.granularity} = asked.granularity and ${table.token} = asked.token
          and ${windows} && tstzrange(asked."from", asked."to")`,
  );
  const touched = await database.query<{ place: number }>(
    name,
    sql`
      select distinct place::int
      from unnest(
        ${float8Array(asked.map(({ place }) => place))}, ${textArray(asked.map(({ granularity }) => granularity))},
        ${textArray(asked.map(({ token }) => token))}, ${timestamptzArray(asked.map(({ start }) => start))},
        ${timestamptzArray(asked.map(({ end }) => end))}
      ) as asked (place, granularity, token, "from", "to")
      -- By key for each of them: the ledger is wide, and read whole it takes longer than all else.
      cross join lateral (${sql.join(known, sql` union all `)} limit 1) as known`,
    tx,
  );
  return new Set(touched.map(({ place }) => place));
}

/**
 * Whether nothing is known of each selection's tokens within its interval: none of it answered, removed here or suspect.
 * Then all of the selection is a gap, which takes a fraction of the time of {@link readGaps} to find out.
 */
export async function areUntouched(
  database: Database,
  selections: readonly TokenWindows[],
): Promise<boolean[]> {
  const touched = await findTouched(database, 'look for answers', selections, [
    [coverage, coverage.answered],
    [dropped, dropped.windows],
    [suspects, suspects.windows],
  ]);
  return selections.map((_, place) => !touched.has(place));
}

/** How far back a token must have a value in a granularity to count as one that has it. */
const activeWithin: Milliseconds = 7 * 86_400_000;

/**
 * The cells of the selection that were answered without a value, though the token has values in this granularity: one
 * may have come since. As blocks, newest first.
 */
export async function readEmptyCells(
  database: Database,
  selection: CellSelection & { readonly metrics: readonly MetricCode[] },
): Promise<Gap[]> {
  const { granularity, tokens, metrics, interval } = selection;
  const table = metricTable(granularity);
  const { time, token } = columnNames(metricTables[granularity]);
  const c = alias(coverage, 'c');
  const length = intervalOf(windowLength[granularity]);
  const values = sql.join(
    catalogue
      .filter(({ code }) => metrics.includes(code))
      .map(({ code, column }, order) => sql`(${code}, ${order}::int, m.${sql.identifier(column)})`),
    sql`, `,
  );
  const missing = sql`
    select active.token, token_order, v.metric, metric_order,
      unnest(range_agg(tstzrange(window_start, window_start + ${length}))) as gap
    from unnest(${textArray(tokens)}) with ordinality as active (token, token_order)
    cross join generate_series(
      ${timestamptz(interval.start)}, ${timestamptz(interval.end - windowLength[granularity])}, ${length}
    ) as window_start
    left join ${table} as m on m.${token} = active.token and m.${time} = window_start
    cross join lateral (values ${values}) as v (metric, metric_order, value)
    join ${coverage} as ${c}
      on ${c.granularity} = ${granularity} and ${c.token} = active.token and ${c.metric} = v.metric
        and ${c.answered} @> window_start
    where v.value is null
      and exists (
        select from ${table} as known
        where known.${token} = active.token and known.${time} >= ${timestamptz(interval.start - activeWithin)}
      )
    group by active.token, token_order, v.metric, metric_order`;
  return readBlocks(database, 'read empty cells', granularity, missing);
}

/**
 * Gathers what a statement finds missing into blocks: first the metrics that a token misses in the same interval, then
 * the tokens that miss the same metrics in it.
 *
 * @param missing gives token, token_order, metric, metric_order and gap, a range
 */
async function readBlocks<Code extends MetricCode | TagCode>(
  database: Database,
  name: string,
  granularity: Granularity,
  missing: SQL,
): Promise<(Omit<Gap, 'metrics'> & { readonly metrics: readonly Code[] })[]> {
  const rows = await database.query<{ start: Instant; end: Instant; tokens: Token[]; metrics: Code[] }>(
    name,
    sql`
      with missing as (${missing}), by_token as (
        select gap, token, token_order, array_agg(metric order by metric_order) as metrics
        from missing
        group by gap, token, token_order
      )
      select
        ${inMilliseconds(sql`lower(gap)`)} as "start",
        ${inMilliseconds(sql`upper(gap)`)} as "end",
        array_agg(token order by token_order) as tokens,
        metrics
      from by_token
      group by gap, metrics
      order by upper(gap) desc, lower(gap), min(token_order)`,
  );
  return rows.map((row) => ({
    granularity,
    tokens: row.tokens,
    metrics: row.metrics,
    interval: { start: row.start, end: row.end },
  }));
}

/**
 * Takes windows that are not due yet out of the ledger. A clock that ran ahead had them asked for too early: a missing
 * value may still come then, and a value that came was preliminary.
 *
 * @param dueUntil end of the newest window that is due
 * @returns how many pairs of token and metric were concerned
 */
export async function forgetUndue(
  database: Database,
  granularity: Granularity,
  dueUntil: Instant,
): Promise<number> {
  const { answered } = coverage;
  const undue = sql`tstzrange(${timestamptz(dueUntil)}, null)`;
  const concerned = await database.run('forget undue', (db) =>
    db
      .update(coverage)
      .set({ answered: sql`${answered} - tstzmultirange(${undue})` })
      .where(and(eq(coverage.granularity, granularity), sql`${answered} && ${undue}`))
      .returning({ token: coverage.token }),
  );
  return concerned.length;
}

/** Enters the selections as answered. Writes nothing where they were already. */
export async function markAnswered(
  database: Database,
  selections: readonly CellSelection[],
  tx: Transaction,
  { refreshOf }: LedgerChoice = {},
): Promise<void> {
  if (selections.length === 0) return;
  const { granularity, token, metric, answered } = columnNames(coverage);
  const { backfill } = columnNames(refreshed);
  const [ledger, key, order] =
    refreshOf === undefined
      ? [coverage, sql``, sql``]
      : [refreshed, sql`${backfill}, `, sql`${refreshOf}::bigint, `];
  await database.query(
    'mark answered',
    sql`
      with asked as (${sql.join(selections.map(selectionRows), sql` union all `)})
      insert into ${ledger} as ledger (${key}${granularity}, ${token}, ${metric}, ${answered})
      select ${order}granularity, token, metric, range_agg(windows)
      from asked
      group by granularity, token, metric
      order by granularity, token, metric
      on conflict (${key}${granularity}, ${token}, ${metric}) do update
        set ${answered} = ledger.${answered} + ${excluded(coverage).answered}
        where not ledger.${answered} @> ${excluded(coverage).answered}`,
    tx,
  );
}

/** The pairs of a selection, with its windows. */
const selectionRows = ({ granularity, tokens, metrics, interval }: CellSelection): SQL => sql`
  select ${granularity}::text as granularity, token, metric, ${tstzrangeOf(interval)} as windows
  from unnest(${textArray(tokens)}) as t (token) cross join unnest(${textArray(metrics)}) as m (metric)`;
