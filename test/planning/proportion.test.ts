import { describe, expect, it } from 'vitest';
import { wilson } from '../../src/planning/proportion.ts';

describe('the interval of a share', () => {
  // Newcombe (1998), Statistics in Medicine 17, table I, method 3.
  it.each([
    [81, 263, 0.2553, 0.3662],
    [15, 148, 0.0624, 0.1605],
    [0, 20, 0, 0.1611],
    [1, 29, 0.0061, 0.1718],
  ])('of %i in %i goes from %d to %d', (count, of, low, high) => {
    const found = wilson(count, of);
    expect(found.rate).toBe(count / of);
    expect(found.low).toBeCloseTo(low, 4);
    expect(found.high).toBeCloseTo(high, 4);
  });

  it('is everything where nothing was counted, and ends where a share ends', () => {
    expect(wilson(0, 0)).toEqual({ rate: 0, low: 0, high: 1 });
    expect(wilson(20, 20)).toMatchObject({ rate: 1, high: 1 });
    expect(wilson(20, 20).low).toBeCloseTo(1 - 0.1611, 4);
  });
});
