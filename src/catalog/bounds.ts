import type { MetricKind } from './metric.ts';

/**
 * The size that a value of a kind cannot exceed, far beyond any that is sensible: all that is said on earth in a day, a
 * share of a million. A value outside its usual range gets a note; one that is larger than this is none.
 */
const largest: Readonly<Record<MetricKind, number>> = {
  rank: 1e9,
  change: 1e9,
  count: 1e15,
  ratio: 1e6,
  difference: 1e6,
  score: 1e9,
};

/** Sizes within which arithmetic neither overflows nor underflows; those of every kind lie within. */
export const soundSize = { smallest: 1e-30, largest: 1e15 } as const;

/** Whether a value may be one of its kind. */
export function isPossible(kind: MetricKind, value: number): boolean {
  const size = Math.abs(value);
  return size === 0 || (size >= soundSize.smallest && size <= largest[kind]);
}
