import { sql } from 'drizzle-orm';
import { type Granularity, type Token, windowLength } from '../../catalog/index.ts';
import type { Instant } from '../../time.ts';
import type { Reader } from '../connection/reader.ts';
import { readRefusalEnds } from '../ledger/entitlements.ts';
import { readBreaker } from '../limits/breaker.ts';
import { suspects } from '../schema/index.ts';
import { inMilliseconds } from '../schema/sql.ts';
import type { ReportedGap } from './gaps.ts';
import { afterGap } from './next.ts';

/** When a gap is asked for next, at the latest; `undefined` where nobody can say, or nothing happens by itself. */
export type NextTry = (gap: ReportedGap) => Instant | undefined;

export async function readNextTries(reader: Reader, now: Instant): Promise<NextTry> {
  const probeAt = (await readBreaker(reader))?.probeAt;
  const suspectAt = await readSuspectTries(reader);
  const refusedAt = await readRefusalEnds(reader);
  const askAtOf = ({ reason, granularity, tokens, metrics }: ReportedGap) => {
    if (reason === 'suspect')
      return earliest(tokens.map((token) => suspectAt.get(`${granularity} ${token}`)));
    if (reason === 'not entitled') return earliest(metrics.map((metric) => refusedAt.get(metric)));
    return undefined;
  };
  return (gap) => {
    const { end } = gap.interval;
    const window = { start: end - windowLength[gap.granularity], end };
    return afterGap(gap.reason, askAtOf(gap), { now, probeAt, window }).at;
  };
}

/** The first of the instants that are known. */
export function earliest(instants: readonly (Instant | undefined)[]): Instant | undefined {
  const known = instants.filter((each) => each !== undefined);
  return known.length === 0 ? undefined : Math.min(...known);
}

async function readSuspectTries(reader: Reader): Promise<ReadonlyMap<`${Granularity} ${Token}`, Instant>> {
  const { granularity, token, askAt } = suspects;
  const rows = await reader.run('look at next tries', (db) =>
    db
      .select({ granularity, token, at: sql<Instant>`${inMilliseconds(sql`min(${askAt})`)}` })
      .from(suspects)
      .groupBy(granularity, token),
  );
  return new Map(rows.map((row) => [`${row.granularity} ${row.token}`, row.at] as const));
}
