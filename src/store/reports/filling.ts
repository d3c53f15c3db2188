import { type SQL, sql } from 'drizzle-orm';
import { granularities, windowLength } from '../../catalog/index.ts';
import type { Instant, Milliseconds } from '../../time.ts';
import type { Questions } from '../connection/reader.ts';
import { requests } from '../schema/index.ts';
import { columnNames, timestamptz } from '../schema/sql.ts';
import type { GranularityStatus } from './status.ts';

/** How far the history is filled, and how fast that goes. */

/** Calls of so long ago say how fast it goes. */
export const recently: Milliseconds = 600_000;

/**
 * Values a second that calls were about which fill history and holes, the newest windows apart; 0 where there were none.
 * @param since only calls since then
 */
function fillRate(since: Instant): SQL<number> {
  const { lane, sentAt, outcome, windowsFrom, windowsTo, granularity, tokens, metrics } =
    columnNames(requests);
  const seconds = sql.join(
    granularities.map((name) => sql`when ${name} then ${windowLength[name] / 1000}::float8`),
    sql` `,
  );
  return sql<number>`coalesce((
    select sum(
      extract(epoch from ${windowsTo} - ${windowsFrom}) / case ${granularity} ${seconds} end
        * cardinality(${tokens}) * cardinality(${metrics})
    ) / greatest(1, extract(epoch from max(${sentAt}) - min(${sentAt})))
    from ${requests}
    where ${sentAt} >= ${timestamptz(since)} and ${outcome} = 'answered' and ${lane} in ('history', 'repair')
  ), 0)::float8`;
}

export interface Filling {
  /** Values that are wanted and not answered. */
  readonly left: number;
  /** Share that is answered, 0 to 1. */
  readonly share: number;
  readonly perSecond: number;
  /** `undefined` where nothing was fetched lately. */
  readonly secondsLeft: number | undefined;
}

/** @returns `undefined` where nothing is left */
export async function readFilling(
  questions: Questions,
  parts: readonly Pick<GranularityStatus, 'wanted' | 'answered'>[],
  now: Instant,
): Promise<Filling | undefined> {
  const wanted = parts.reduce((sum, part) => sum + part.wanted, 0);
  const answered = parts.reduce((sum, part) => sum + part.answered, 0);
  const left = wanted - answered;
  if (left <= 0) return undefined;
  const [row] = await questions.query<{ perSecond: number }>(
    'read fill rate',
    sql`select ${fillRate(now - recently)} as "perSecond"`,
  );
  const perSecond = row?.perSecond ?? 0;
  return {
    left,
    share: answered / wanted,
    perSecond,
    secondsLeft: perSecond > 0 ? left / perSecond : undefined,
  };
}
