import { sql } from 'drizzle-orm';
import { type Granularity, windowLength } from '../../catalog/index.ts';
import { ageLimits } from '../../planning/audit.ts';
import { type Proportion, wilson } from '../../planning/proportion.ts';
import type { Instant, Milliseconds } from '../../time.ts';
import type { Database } from '../connection/database.ts';
import { requests, revisions } from '../schema/index.ts';
import { timestamptz, windowLengthSql } from '../schema/sql.ts';

/**
 * How often values change after they were first stored, by the age at which they were asked for once more: from the calls
 * of the look-back and of the audit, and from the revisions that they brought.
 */

/** Values of windows of a certain age that were asked for again. */
export interface AgeClass extends Proportion {
  readonly granularity: Granularity;
  /** How many windows' lengths after it was due the window was asked for again; `undefined` for the audit's classes. */
  readonly windowsLater: number | undefined;
  /** Ages since the window was due, from and to, in milliseconds; `to` is not included, and may be infinite. */
  readonly from: Milliseconds;
  readonly to: Milliseconds;
  /** Values that were compared, those that had changed, and those that came only now. */
  readonly compared: number;
  readonly changed: number;
  readonly late: number;
}

/** Ages up to so many windows are told one by one: the look-back asks for them. */
const mostWindows = 12;

interface Counted extends Record<string, unknown> {
  readonly windowsLater: number;
  /** Place in the classes of ages. */
  readonly place: number;
  readonly compared: number;
  readonly changed: number;
  readonly late: number;
}

/** @param settleDelay from the close of a window until it is due */
export async function readDrift(
  database: Database,
  granularity: Granularity,
  settleDelay: Milliseconds,
  since: Instant,
): Promise<AgeClass[]> {
  const length = windowLengthSql(granularity);
  const seconds = windowLength[granularity] / 1000;
  const limits = sql.raw(`array[${ageLimits.map((limit) => limit / 1000).join(', ')}]::float8[]`);
  const rows = await database.query<Counted>(
    'read drift',
    sql`
      with asked as materialized (
        select q.sent_at + q.milliseconds * interval '1 ms' as received_at, q.tokens, q.metrics, w.time,
          q.records::float8 / greatest(1, extract(epoch from q.windows_to - q.windows_from) / ${seconds}::float8) as compared,
          -- A tick comes a moment after the windows are due.
          extract(epoch from q.sent_at - w.time - ${length}) - ${settleDelay / 1000}::float8 as age
        from ${requests} as q
        cross join lateral generate_series(q.windows_from, q.windows_to - ${length}, ${length}) as w (time)
        where q.lane in ('lookback', 'audit') and q.what = 'values' and q.outcome = 'answered'
          and q.granularity = ${granularity} and q.sent_at >= ${timestamptz(since)}
      ), brought as (
        select a.time, a.received_at, r.old is null as late, a.age
        from ${revisions} as r
        join asked as a on a.time = r.time and a.received_at = r.revised_at
          and r.token = any (a.tokens) and r.metric = any (a.metrics)
        where r.granularity = ${granularity} and r.revised_at >= ${timestamptz(since)}
      ), counted as (
        select age, compared, 0 as changed, 0 as late from asked
        union all
        select age, 0, (not late)::int, late::int from brought
      )
      select
        case when age < ${mostWindows * seconds}::float8 then floor(age / ${seconds}::float8) else -1 end as "windowsLater",
        case when age < ${mostWindows * seconds}::float8 then -1 else width_bucket(age, ${limits}) end as place,
        sum(compared)::float8 as compared, sum(changed)::float8 as changed, sum(late)::float8 as late
      from counted where age >= 0
      group by 1, 2 order by min(age)`,
  );
  return rows.map((row) => classOf(granularity, row));
}

function classOf(granularity: Granularity, row: Counted): AgeClass {
  const { windowsLater, place, changed, late } = row;
  // Calls about several windows say how many values came in all.
  const compared = Math.max(changed, Math.round(row.compared));
  const length = windowLength[granularity];
  const counts = { granularity, compared, changed, late, ...wilson(changed, compared) };
  if (windowsLater >= 0) {
    return { ...counts, windowsLater, from: windowsLater * length, to: (windowsLater + 1) * length };
  }
  const from = Math.max(mostWindows * length, ageLimits[place - 1] ?? 0);
  return { ...counts, windowsLater: undefined, from, to: ageLimits[place] ?? Number.POSITIVE_INFINITY };
}

/** Settings that the rates of change imply. */
export interface Implied {
  /**
   * The fewest windows of the look-back after which fewer values change than are tolerated; `undefined` where nothing was
   * compared.
   */
  readonly lookbackWindows: number | undefined;
  /** The delay after which first values change less than that. */
  readonly settleDelay: Milliseconds | undefined;
  /** Whether enough was compared of every age behind it to be sure. */
  readonly isSure: boolean;
}

/**
 * What the classes of one granularity imply; pure. A class changes where even the low end of its interval is above what is
 * tolerated, and is quiet where even the high end is below.
 *
 * @param tolerated share of the values that may change, 0 to 1
 */
export function impliedBy(
  classes: readonly AgeClass[],
  settleDelay: Milliseconds,
  tolerated: number,
): Implied {
  const [first] = classes;
  if (first === undefined) return { lookbackWindows: undefined, settleDelay: undefined, isSure: false };
  const length = windowLength[first.granularity];
  const changing = classes.filter(({ low }) => low > tolerated);
  // A class of ages has to be covered to its end, or to its beginning where it has none.
  const endOf = ({ from, to }: AgeClass) => (Number.isFinite(to) ? to : from);
  const latest = Math.max(0, ...changing.map(endOf));
  // What had changed when it was asked for so much later was final by then.
  const final = Math.max(
    0,
    ...changing.map((each) => (each.windowsLater === undefined ? endOf(each) : each.from)),
  );
  const behind = classes.filter(({ from }) => from >= latest);
  return {
    // The first look-back comes one window later; so many windows back are asked for without any.
    lookbackWindows: Math.max(1, Math.ceil(latest / length)),
    settleDelay: settleDelay + final,
    isSure: behind.length > 0 && behind.every(({ high }) => high <= tolerated),
  };
}
