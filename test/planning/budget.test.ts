import { describe, expect, it } from 'vitest';
import { type Granularity, granularities } from '../../src/catalog/index.ts';
import { dailyNeed, reserveOf } from '../../src/planning/budget.ts';
import { lanes } from '../../src/planning/lanes.ts';

describe('the calls that a day needs', () => {
  const everything = {
    granularities,
    tokensIn: () => 200,
    metrics: 13,
    lookbackWindows: 4,
    recordLimit: 2000,
    recordUnit: 'value',
  } as const;

  it('are those of every tick, with a fifth on top', () => {
    // 96 + 24 + 6 + 1 ticks; 2,600 values are two requests, four times as many are six.
    expect(dailyNeed(everything)).toEqual({
      live: Math.ceil(127 * 2 * 1.2),
      lookback: Math.ceil(127 * 6 * 1.2),
    });
  });

  it('are fewer where rows are counted, and none where nothing is wanted', () => {
    expect(dailyNeed({ ...everything, recordUnit: 'row' })).toEqual({ live: 153, lookback: 153 });
    expect(dailyNeed({ ...everything, granularities: [] })).toEqual({ live: 0, lookback: 0 });
    expect(dailyNeed({ ...everything, lookbackWindows: 0 }).lookback).toBe(0);
  });

  it('leave out tokens that the API has no such windows of', () => {
    const tokensIn = (granularity: Granularity) => (granularity === '15m' ? 100 : 200);
    // 100 tokens × 13 metrics fit into one request.
    expect(dailyNeed({ ...everything, tokensIn }).live).toBe(Math.ceil((96 + 31 * 2) * 1.2));
  });

  it('are kept from every lane that comes later', () => {
    const reserves = lanes.map((lane) => reserveOf(lane, { live: 10, lookback: 5 }));
    expect(reserves).toEqual([0, 10, 10, 15]);
  });
});
