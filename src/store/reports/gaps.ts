import { sql } from 'drizzle-orm';
import type { ApiVersion, Granularity, MetricCode, Token } from '../../catalog/index.ts';
import type { Interval } from '../../planning/interval.ts';
import type { Gap } from '../../planning/packing.ts';
import type { Reader } from '../connection/reader.ts';
import { inMilliseconds, textArray, timestamptz, tstzrangeOf } from '../schema/sql.ts';
import { gapsOf, withAvailability } from './gap-branches.ts';
import type { GapReason } from './gap-reasons.ts';

/** Every cell that is wanted and has no value, and why: what the command of this name tells. */

/** A block of cells that lack a value for the same reason. */
export interface ReportedGap extends Gap {
  readonly reason: GapReason;
  /** The last error and its instant, or why it is in quarantine. */
  readonly detail: string | null;
}

/**
 * Which of the cells have no value, and why; as blocks of tokens that miss the same metrics in the same interval, newest
 * first.
 *
 * @param wanted windows on the grid, that are due
 */
export async function readReportedGaps(
  reader: Reader,
  wanted: {
    readonly granularity: Granularity;
    readonly tokens: readonly Token[];
    readonly metrics: readonly MetricCode[];
    readonly interval: Interval;
    /** The version of the API that is spoken; that of the database's catalogue where none is named. */
    readonly apiVersion?: ApiVersion;
  },
  reasons: readonly GapReason[],
  now: number,
): Promise<ReportedGap[]> {
  const { granularity, tokens, metrics, interval } = wanted;
  const tokenList = textArray(tokens);
  const metricList = textArray(metrics);
  const { catalogue } = reader;
  const tokensWanted = sql`
    select token, ${tstzrangeOf(interval)} as windows, ${metricList} as metrics,
      ${textArray(catalogue.unserved(metrics, wanted.apiVersion))} as unserved
    from unnest(${tokenList}) as token`;
  const question = {
    granularity,
    catalogue,
    tokens: sql`wanted_token`,
    now: timestamptz(now),
  };
  const rows = await reader.query<{
    start: number;
    end: number;
    tokens: Token[];
    metrics: MetricCode[];
    reason: GapReason;
    detail: string | null;
  }>(
    'read reported gaps',
    sql`
      with wanted_token as materialized (
        -- Once for all reasons: each would plan it anew, and look into every token.
        ${withAvailability(granularity, tokensWanted)}
      ), by_token as (
        select g.gap, g.reason, g.detail, g.token, array_agg(g.metric order by m.place) as metrics
        from (${gapsOf(question, reasons)}) as g
        join unnest(${metricList}) with ordinality as m (metric, place) on m.metric = g.metric
        where g.reason = any (${textArray(reasons)})
        group by g.gap, g.reason, g.detail, g.token
      )
      select
        ${inMilliseconds(sql`lower(gap)`)} as "start",
        ${inMilliseconds(sql`upper(gap)`)} as "end",
        array_agg(b.token order by t.place) as tokens, metrics, reason, detail
      from by_token as b
      join unnest(${tokenList}) with ordinality as t (token, place) on t.token = b.token
      group by gap, metrics, reason, detail
      order by upper(gap) desc, lower(gap), min(t.place), reason, detail`,
  );
  return rows.map(({ start, end, ...row }) => ({ ...row, granularity, interval: { start, end } }));
}
