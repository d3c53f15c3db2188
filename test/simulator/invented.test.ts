import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { inventedValue } from '../../src/simulator/invented.ts';

const key = fc.nat(0xffffffff);
const instant = fc.integer({ min: Date.UTC(2025, 0, 1), max: Date.UTC(2030, 0, 1) });

const bounds = {
  rank: [1, 200],
  change: [-20, 20],
  count: [0, 1_000],
  ratio: [0, 1],
  difference: [-1, 1],
  score: [-3.5, 3.5],
} as const;

const kinds = ['rank', 'change', 'count', 'ratio', 'difference', 'score'] as const;
const wholeKinds: readonly string[] = ['rank', 'change', 'count'];

describe('a value of a metric without a model', () => {
  it.each(kinds)('is what a %s can be, and the same every time', (kind) => {
    const [least, most] = bounds[kind];
    fc.assert(
      fc.property(key, instant, (cell, at) => {
        const value = inventedValue(kind, 'CO-X-01-01', cell, at);
        expect(value).toBeGreaterThanOrEqual(least);
        expect(value).toBeLessThanOrEqual(most);
        expect(Object.is(value, -0)).toBe(false);
        expect(Number(value.toFixed(wholeKinds.includes(kind) ? 0 : 4))).toBe(value);
        expect(inventedValue(kind, 'CO-X-01-01', cell, at)).toBe(value);
      }),
    );
  });

  it.each(kinds)('changes from window to window, and from token to token: %s', (kind) => {
    const values = Array.from({ length: 200 }, (_, n) => inventedValue(kind, 'C', 7, n * 3_600_000));
    const others = Array.from({ length: 200 }, (_, n) => inventedValue(kind, 'C', n, 0));
    expect(new Set(values).size).toBeGreaterThan(3);
    expect(new Set(others).size).toBeGreaterThan(3);
  });

  // As seen in live answers.
  it.each([
    ['CO-S-01-01', -3.4, 2.7],
    ['CO-S-01-05', -5, 3.2],
  ])('of %s lies between %d and %d and uses most of that', (code, least, most) => {
    const values = Array.from({ length: 20_000 }, (_, n) => inventedValue('score', code, 3, n * 900_000));
    expect(Math.min(...values)).toBeGreaterThanOrEqual(least);
    expect(Math.max(...values)).toBeLessThanOrEqual(most);
    expect(Math.min(...values)).toBeLessThan(least / 2);
    expect(Math.max(...values)).toBeGreaterThan(most / 2);
    const nearNought = values.filter((value) => Math.abs(value) < 2);
    expect(nearNought.length / values.length).toBeGreaterThan(0.7);
  });
});
