import fc from 'fast-check';
import {
  bundledTokens,
  type Granularity,
  granularities,
  type MetricCode,
  metricCodes,
  type Token,
} from '../../src/catalog/index.ts';
import type { Interval } from '../../src/planning/interval.ts';
import type { Gap } from '../../src/planning/packing.ts';

/** Written out once more, so that the tests do not lean on what they test. */
export const lengthOf: Readonly<Record<Granularity, number>> = {
  '15m': 900_000,
  '1h': 3_600_000,
  '4h': 14_400_000,
  '1d': 86_400_000,
};

export const day = 86_400_000;

/** 2025-01-01 00:00 in Beijing. */
export const newYear = Date.UTC(2024, 11, 31, 16);

export const allTokens: readonly Token[] = bundledTokens.map(({ token }) => token);

export const granularity = fc.constantFrom<Granularity[]>(...granularities);

export const tokens = (most: number) =>
  fc
    .shuffledSubarray([...allTokens], { minLength: 1, maxLength: most })
    .filter((chosen) => chosen.length > 0);

export const metrics: fc.Arbitrary<MetricCode[]> = fc.subarray([...metricCodes], { minLength: 1 });

/** `windows` windows that end on the grid. */
export function windowsUpTo(of: Granularity, end: number, windows: number): Interval {
  return { start: end - windows * lengthOf[of], end };
}

type Cells = Pick<Gap, 'granularity' | 'tokens' | 'metrics' | 'interval'>;

/** Every cell by name, repeated as often as it occurs. */
export function* cellsOf(blocks: Iterable<Cells>): Generator<string> {
  for (const block of blocks) {
    const length = lengthOf[block.granularity];
    for (let time = block.interval.start; time < block.interval.end; time += length) {
      for (const token of block.tokens) {
        for (const metric of block.metrics) yield `${block.granularity} ${time} ${token} ${metric}`;
      }
    }
  }
}
