import type { Granularity, MetricCode, Token } from '../catalog/index.ts';
import { difference, type Interval } from './interval.ts';
import type { Gap } from './packing.ts';

/** Cells of one granularity, whatever they stand for: a gap, or a request that is already on its way. */
export type Block = Pick<Gap, 'granularity' | 'tokens' | 'metrics' | 'interval'>;

function overlap(a: Block, b: Block): boolean {
  return (
    a.granularity === b.granularity &&
    a.interval.start < b.interval.end &&
    b.interval.start < a.interval.end &&
    a.tokens.some((token) => b.tokens.includes(token)) &&
    a.metrics.some((metric) => b.metrics.includes(metric))
  );
}

/** The cells of `gaps` that are in none of `taken`, as few gaps as share an interval; newest first. */
export function subtract(gaps: readonly Block[], taken: readonly Block[]): Gap[] {
  const rest = gaps.flatMap((gap) => {
    const overlapping = taken.filter((block) => overlap(gap, block));
    return overlapping.length === 0 ? [gap] : subtractFromOne(gap, overlapping);
  });
  return rest.sort((a, b) => b.interval.end - a.interval.end);
}

function subtractFromOne(gap: Block, taken: readonly Block[]): Gap[] {
  const takenFrom = new Map<string, Interval[]>();
  for (const block of taken) {
    for (const token of block.tokens) {
      for (const metric of block.metrics) {
        const key = `${token} ${metric}`;
        const intervals = takenFrom.get(key);
        if (intervals === undefined) takenFrom.set(key, [block.interval]);
        else intervals.push(block.interval);
      }
    }
  }
  const cells: MissingCells[] = [];
  for (const token of gap.tokens) {
    for (const metric of gap.metrics) {
      const missing = difference([gap.interval], takenFrom.get(`${token} ${metric}`) ?? []);
      for (const interval of missing) cells.push({ token, metric, interval });
    }
  }
  return groupCells(gap.granularity, cells);
}

/** One token's metric and an interval in which it misses every window. */
export interface MissingCells {
  readonly token: Token;
  readonly metric: MetricCode;
  readonly interval: Interval;
}

/**
 * Gathers cells into blocks: first the metrics that a token misses in the same interval, then the tokens that miss
 * the same metrics in it.
 */
export function groupCells(granularity: Granularity, cells: Iterable<MissingCells>): Gap[] {
  const metricsOf = new Map<string, { token: Token; metrics: MetricCode[]; interval: Interval }>();
  for (const { token, metric, interval } of cells) {
    const key = `${interval.start} ${interval.end} ${token}`;
    const known = metricsOf.get(key);
    if (known === undefined) metricsOf.set(key, { token, metrics: [metric], interval });
    else known.metrics.push(metric);
  }
  const blocks = new Map<string, { tokens: Token[]; metrics: MetricCode[]; interval: Interval }>();
  for (const { token, metrics, interval } of metricsOf.values()) {
    const key = `${interval.start} ${interval.end} ${metrics.join()}`;
    const known = blocks.get(key);
    if (known === undefined) blocks.set(key, { tokens: [token], metrics, interval });
    else known.tokens.push(token);
  }
  return Array.from(blocks.values(), (block) => ({ granularity, ...block }));
}
