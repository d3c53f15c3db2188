import { describe, expect, it } from 'vitest';
import { granularities } from '../../src/catalog/index.ts';
import { laneOfGap, lanes } from '../../src/planning/lanes.ts';
import { day, lengthOf, newYear, windowsUpTo } from './arbitraries.ts';

const settledEnd = newYear + 30 * day;

describe('lanes', () => {
  it('run from the most urgent to the least', () => {
    expect(lanes).toEqual(['live', 'repair', 'lookback', 'history', 'audit']);
  });

  it.each(granularities)('put the two newest %s windows into live', (granularity) => {
    const length = lengthOf[granularity];
    const laneOf = (age: number) =>
      laneOfGap(granularity, windowsUpTo(granularity, settledEnd - age * length, 1), settledEnd);
    expect([0, 1, 2].map(laneOf)).toEqual(['live', 'live', 'repair']);
  });

  it.each(granularities)(
    'put %s gaps of the last seven days into repair, older ones into history',
    (granularity) => {
      const length = lengthOf[granularity];
      const laneOf = (end: number) => laneOfGap(granularity, windowsUpTo(granularity, end, 1), settledEnd);
      expect(laneOf(settledEnd - 2 * length)).toBe('repair');
      expect(laneOf(settledEnd - 7 * day + length)).toBe('repair');
      expect(laneOf(settledEnd - 7 * day)).toBe('history');
      expect(laneOf(settledEnd - 20 * day)).toBe('history');
    },
  );

  it('go by the newest window of a gap, however far back it reaches', () => {
    expect(laneOfGap('1h', { start: newYear, end: settledEnd }, settledEnd)).toBe('live');
    expect(laneOfGap('1h', { start: newYear, end: settledEnd - day }, settledEnd)).toBe('repair');
  });
});
