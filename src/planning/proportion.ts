/** How sure one can be of a share that was counted; pure. */

/** A share that was counted, with the interval that holds the true one. */
export interface Proportion {
  /** 0 to 1; 0 where nothing was counted. */
  readonly rate: number;
  readonly low: number;
  readonly high: number;
}

/** Two-sided 95 %. */
const z = 1.959963984540054;

/**
 * The score interval of a proportion (Wilson, 1927): unlike the simple one it holds where the share is near 0, which
 * changes of stored values are.
 */
export function wilson(count: number, of: number): Proportion {
  if (of <= 0) return { rate: 0, low: 0, high: 1 };
  const rate = count / of;
  const square = z * z;
  const middle = (rate + square / (2 * of)) / (1 + square / of);
  const half = (z / (1 + square / of)) * Math.sqrt((rate * (1 - rate)) / of + square / (4 * of * of));
  return {
    rate,
    low: count === 0 ? 0 : Math.max(0, middle - half),
    high: count === of ? 1 : Math.min(1, middle + half),
  };
}
