import type { Granularity } from '../catalog/index.ts';
import { union } from '../planning/interval.ts';
import type { Packer } from '../planning/packing.ts';
import { planGaps } from '../planning/plan.ts';
import { windowCount } from '../planning/windows.ts';
import type { Database } from '../store/connection/database.ts';
import type { LeftAlone } from '../store/ledger/suspects.ts';
import type { Instant } from '../time.ts';
import { type FillScope, gapReader, stretchOf } from './scope.ts';

/** The gaps of a granularity, and the requests that they take. */
export interface GapSummary {
  readonly granularity: Granularity;
  /** Token × metric × window cells that have not been answered. */
  values: number;
  /** Windows that any token misses. */
  windows: number;
  /** Token × window pairs, as far as gaps share them. */
  rows: number;
  requests: number;
  /** Start of the first window missing and end of the last. */
  from: Instant | undefined;
  to: Instant | undefined;
}

/**
 * Counts what a fill of the scope would do, without asking the API.
 * @param suspects which windows that were answered with nothing are left out
 */
export async function summariseGaps(
  database: Database,
  scope: FillScope,
  packer: Packer,
  suspects: LeftAlone = {},
): Promise<GapSummary[]> {
  const summaries = new Map<Granularity, GapSummary>();
  for (const granularity of scope.wanted.keys()) {
    summaries.set(granularity, {
      granularity,
      values: 0,
      windows: 0,
      rows: 0,
      requests: 0,
      from: undefined,
      to: undefined,
    });
  }
  for await (const gaps of planGaps(scope.wanted, gapReader(database, scope, suspects), stretchOf(scope))) {
    const [first] = gaps;
    const missing = union(gaps.map(({ interval }) => interval));
    const inStretch = first === undefined ? undefined : summaries.get(first.granularity);
    if (first !== undefined && inStretch !== undefined) {
      inStretch.windows += missing.reduce((sum, each) => sum + windowCount(first.granularity, each), 0);
    }
    for (const gap of gaps) {
      const summary = summaries.get(gap.granularity);
      if (summary === undefined) continue;
      const rows = gap.tokens.length * windowCount(gap.granularity, gap.interval);
      summary.rows += rows;
      summary.values += rows * gap.metrics.length;
      summary.requests += packer.count(gap);
      summary.from = Math.min(summary.from ?? gap.interval.start, gap.interval.start);
      summary.to = Math.max(summary.to ?? gap.interval.end, gap.interval.end);
    }
  }
  return [...summaries.values()];
}

/** Values and requests of all granularities together. */
export function totalOf(summaries: readonly GapSummary[]): Pick<GapSummary, 'values' | 'requests'> {
  return {
    values: summaries.reduce((sum, { values }) => sum + values, 0),
    requests: summaries.reduce((sum, { requests }) => sum + requests, 0),
  };
}
