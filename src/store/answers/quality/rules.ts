import { type SQL, sql } from 'drizzle-orm';
import type { Catalogue, Granularity, Metric, MetricCode } from '../../../catalog/index.ts';
import { metricTable, windowLengthSql } from '../../schema/sql.ts';

/** The rules behind quality notes, as SQL. A rule looks at one metric of a row, and maybe at the row beside it. */

/** What a note says of a value. */
const notes = {
  outOfRange: 'outside its range',
  netDiffers: 'not positive minus negative',
  rankDiffers: 'rank out of order with mentions',
  fellToZero: 'fell to zero at once',
} as const;

/** Three ratios, each rounded to two decimals, differ by 0.015 at most. */
const netTolerance = 0.02;

/** No ratio is near it; the difference of larger numbers may be more than a float8 can hold. */
const mostSubtracted = 1e100;

/** Counts below it come and go; from it on, a window without any is odd. */
const fewest = 20;

export interface Rule {
  readonly metric: MetricCode;
  readonly note: string;
  /** Of a row of its family's cells: the value, whether the rule fires, and what the value was compared with. */
  readonly value: SQL;
  readonly fires: SQL;
  readonly detail: SQL;
}

/** Rules that one reading of the rows serves. */
export interface RuleFamily {
  readonly rules: readonly Rule[];
  /** Token and time of each row of the windows, with what the rules look at. Sorted by what is narrow, never joined. */
  readonly cells: (windows: CheckedWindows) => SQL;
  /** Whether the cells are sorted by window, so that an index on time saves the sorting. */
  readonly isSorted: boolean;
}

/** Windows that are checked together; instants as PostgreSQL writes them, half-open. */
export interface CheckedWindows {
  readonly granularity: Granularity;
  readonly start: SQL;
  readonly end: SQL;
}

const column = ({ column: name }: Metric) => sql.identifier(name);
const previous = ({ column: name }: Metric) => sql.identifier(`previous_${name}`);
const list = (parts: readonly SQL[]) => sql.join([...parts], sql`, `);
const columnsOf = (of: readonly Metric[]) => list(of.map((metric) => sql`${column(metric)}`));
const rowsIn = ({ granularity, start, end }: CheckedWindows) => sql`
  from ${metricTable(granularity)} where time >= ${start} and time < ${end}`;

function rangeRule(metric: Metric): Rule {
  const value = sql`${column(metric)}`;
  const { minimum, maximum } = metric;
  const outside = [
    ...(minimum === null ? [] : [sql`${value} < ${sql.raw(`${minimum}`)}`]),
    ...(maximum === null ? [] : [sql`${value} > ${sql.raw(`${maximum}`)}`]),
  ];
  return {
    metric: metric.code,
    note: notes.outOfRange,
    value,
    fires: sql`(${sql.join(outside, sql` or `)})`,
    detail: sql`${`not within ${minimum ?? '-∞'} to ${maximum ?? '∞'}`}::text`,
  };
}

/** Rules about a row by itself. */
function singleOf(catalogue: Catalogue): RuleFamily {
  const net = catalogue.role('net-sentiment');
  const positive = catalogue.role('positive');
  const negative = catalogue.role('negative');
  const bounded = catalogue.metrics.filter(({ minimum, maximum }) => minimum !== null || maximum !== null);
  const isSubtractable = list([net, positive, negative].map((metric) => sql`abs(${column(metric)})`));
  return {
    rules: [
      ...bounded.map(rangeRule),
      {
        metric: net.code,
        note: notes.netDiffers,
        value: sql`${column(net)}`,
        fires: sql`(case
        when num_nulls(${columnsOf([net, positive, negative])}) > 0 then false
        when greatest(${isSubtractable}) > ${sql.raw(`${mostSubtracted}`)}::float8 then true
        else abs(${column(net)} - (${column(positive)} - ${column(negative)})) > ${sql.raw(`${netTolerance}`)}::float8
      end)`,
        detail: sql`format('%s - %s', ${column(positive)}, ${column(negative)})`,
      },
    ],
    cells: (windows) => sql`
    select token, time, ${columnsOf([...new Set([...bounded, net, positive, negative])])} ${rowsIn(windows)}`,
    isSorted: false,
  };
}

/**
 * Rules about a row and the one of the window before. Few rows have a count of zero, and those are joined with the rows
 * that had more before.
 *
 * It is a full join, which PostgreSQL can only hash or merge: it knows nothing of how many rows there are, and with any
 * other might read the rows before anew for each row. `coalesce` and `offset 0` keep it from being made another join.
 */
function successionOf(catalogue: Catalogue): RuleFamily {
  const counts = catalogue.metrics.filter(({ kind }) => kind === 'count');
  const either = (conditions: readonly SQL[]) => sql`(${sql.join([...conditions], sql` or `)})`;
  const isZero = either(counts.map((metric) => sql`${column(metric)} = 0`));
  const wasMore = either(counts.map((metric) => sql`${column(metric)} >= ${sql.raw(`${fewest}`)}`));
  return {
    rules: counts.map((metric) => ({
      metric: metric.code,
      note: notes.fellToZero,
      value: sql`${column(metric)}`,
      fires: sql`(${column(metric)} = 0 and ${previous(metric)} >= ${sql.raw(`${fewest}`)})`,
      detail: sql`format('%s in the window before', ${previous(metric)})`,
    })),
    cells: ({ granularity, start, end }) => {
      const length = windowLengthSql(granularity);
      const before = { granularity, start: sql`${start} - ${length}`, end: sql`${end} - ${length}` };
      const renamed = counts.map((metric) => sql`${column(metric)} as ${previous(metric)}`);
      return sql`
      select token, time, ${columnsOf(counts)}, ${list(counts.map((metric) => sql`${previous(metric)}`))}
      from (select token, time, ${columnsOf(counts)} ${rowsIn({ granularity, start, end })} and ${isZero}) as fallen
      full join (
        select token, time + ${length} as time, ${list(renamed)} ${rowsIn(before)} and ${wasMore}
      ) as earlier using (token, time)
      where coalesce(${isZero}, false)
      offset 0`;
    },
    isSorted: false,
  };
}

/** Rules about a row and the other tokens of its window. */
function rankingOf(catalogue: Catalogue): RuleFamily {
  const rank = catalogue.role('mention-rank');
  const mentions = catalogue.role('mentions');
  return {
    rules: [
      {
        metric: rank.code,
        note: notes.rankDiffers,
        value: sql`${column(rank)}`,
        fires: sql`(${column(mentions)} > better_mentions)`,
        detail: sql`format('%s mentions, but %s on the place before', ${column(mentions)}, better_mentions)`,
      },
    ],
    cells: (windows) => sql`
    select token, time, ${columnsOf([rank, mentions])},
      lag(${column(mentions)}) over (partition by time order by ${column(rank)}, ${column(mentions)} desc)
        as better_mentions
    ${rowsIn(windows)} and ${column(rank)} is not null and ${column(mentions)} is not null`,
    isSorted: true,
  };
}

/** All rules. The first family's cells are all rows, so that counting them counts the rows. */
export type RuleFamilies = readonly [RuleFamily, ...RuleFamily[]];

const made = new WeakMap<Catalogue, RuleFamilies>();

/** The rules about the metrics of a catalogue, the same ones each time. */
export function familiesOf(catalogue: Catalogue): RuleFamilies {
  const known = made.get(catalogue);
  if (known !== undefined) return known;
  const families: RuleFamilies = [singleOf(catalogue), successionOf(catalogue), rankingOf(catalogue)];
  made.set(catalogue, families);
  return families;
}

/** One row: how many cells a family has, and on how many of them each of its rules fires. */
export function countingSql(windows: CheckedWindows, { rules, cells }: RuleFamily): SQL {
  const fired = rules.map(({ fires }) => sql`count(*) filter (where ${fires})`);
  return sql`
    select count(*)::float8 as cells, array[${list(fired)}]::float8[] as fired
    from (${cells(windows)}) as cells`;
}

/** Every value on which one of the rules fires: token, time, metric, note, value, detail. */
export function findingsSql(windows: CheckedWindows, families: RuleFamilies, chosen: readonly Rule[]): SQL {
  const branches = families.flatMap(({ rules, cells }) => {
    const some = rules.filter((rule) => chosen.includes(rule));
    if (some.length === 0) return [];
    const found = some.map(
      ({ metric, note, value, detail, fires }) =>
        sql`(${metric}::text, ${note}::text, ${value}, ${detail}, ${fires})`,
    );
    const anyFires = sql.join(
      some.map(({ fires }) => fires),
      sql` or `,
    );
    return [
      sql`
        select token, time, found.metric, found.note, found.value, found.detail
        from (${cells(windows)}) as cells
        cross join lateral (values ${list(found)}) as found (metric, note, value, detail, fires)
        where (${anyFires}) and found.fires`,
    ];
  });
  return branches.length > 0 ? sql.join(branches, sql` union all `) : nothingFound;
}

const nothingFound = sql`
  select null::text as token, null::timestamptz as time, null::text as metric, null::text as note,
    null::float8 as value, null::text as detail
  where false`;
