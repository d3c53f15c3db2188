import type { CellState } from '../schemas/index.ts';

/** What a cell of the heat map shows, from what was counted in it; pure. */

export interface CellCounts {
  /** Windows that are due, and metrics that are wanted of each. */
  readonly windows: number;
  readonly metrics: number;
  /** Windows that have a row. */
  rows: number;
  /** Values that are missing, by reason. */
  readonly gaps: Map<string, number>;
}

/** Reasons, those first that a person should see where several meet in a cell. */
const byReason: readonly (readonly [reason: string, state: CellState])[] = [
  ['failed', 'failed'],
  ['quarantined', 'quarantined'],
  ['not asked yet', 'missing'],
  ['dropped here', 'missing'],
  ['suspect', 'missing'],
  ['not available', 'unavailable'],
  ['not entitled', 'not entitled'],
  ["before the token's history", 'before history'],
];

const open: ReadonlySet<CellState> = new Set(['failed', 'quarantined', 'missing']);

/** @param counts `undefined` where nothing is due */
export function stateOf(counts: CellCounts | undefined): CellState {
  if (counts === undefined) return 'none';
  const found = byReason.filter(([reason]) => (counts.gaps.get(reason) ?? 0) > 0);
  const worst = found[0]?.[1];
  if (counts.rows === 0) return worst ?? 'empty';
  // A metric that the subscription lacks takes nothing from what is there.
  if (worst === 'failed' || worst === 'quarantined') return worst;
  if (worst !== undefined && open.has(worst)) return 'partly';
  return counts.rows >= counts.windows ? 'filled' : 'sparse';
}
