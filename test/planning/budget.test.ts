import { describe, expect, it } from 'vitest';
import { type Granularity, granularities } from '../../src/catalog/index.ts';
import {
  dailyNeed,
  durationOf,
  historyBudget,
  nextAffordableAt,
  reserveOf,
} from '../../src/planning/budget.ts';
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
    expect(reserves).toEqual([0, 10, 10, 15, 15]);
  });
});

describe('what history may send', () => {
  const need = { live: 300, lookback: 100 };

  it('is what the other lanes leave, of a whole day and of the rest of this one', () => {
    expect(historyBudget(1000, need, 0, 1)).toEqual({ today: 600, perDay: 600, untilTomorrow: 86_400 });
    // Half the day is over: half of what is kept is free, and what was sent is gone.
    expect(historyBudget(1000, need, 250, 0.5)).toEqual({ today: 550, perDay: 600, untilTomorrow: 43_200 });
    expect(historyBudget(1000, need, 1000, 0.5).today).toBe(0);
    expect(historyBudget(300, need, 0, 1)).toMatchObject({ today: 0, perDay: 0 });
  });

  it('decides how long it takes: a day more only for what does not fit into one', () => {
    const whole = historyBudget(1000, need, 0, 1);
    expect(durationOf(600, 1, undefined)).toBe(600);
    expect(durationOf(600, 1, whole)).toBe(600);
    expect(durationOf(601, 1, whole)).toBe(86_401);
    expect(durationOf(1200, 1, whole)).toBe(86_400 + 600);
    expect(durationOf(1201, 1, whole)).toBe(2 * 86_400 + 1);
    expect(durationOf(10, 1, historyBudget(1000, need, 1000, 0.25))).toBe(21_600 + 10);
    expect(durationOf(10, 1, historyBudget(300, need, 0, 1))).toBeUndefined();
    // Slower than the budget.
    expect(durationOf(1200, 0.001, whole)).toBe(1_200_000);
  });
});

describe('a lane that may send no more', () => {
  const tomorrow = Date.UTC(2025, 5, 1, 16);
  const hours = (count: number) => count * 3_600_000;

  it('goes on when what it leaves to others has shrunk enough, today or tomorrow', () => {
    // 50 calls are free once half of the 100 kept ones are.
    expect(nextAffordableAt(1000, 100, 949, tomorrow)).toBe(tomorrow - hours(12));
    expect(nextAffordableAt(1000, 100, 999, tomorrow)).toBe(tomorrow);
    expect(nextAffordableAt(1000, 100, 1000, tomorrow)).toBe(tomorrow);
    // More is kept than a day has: its first call comes when a quarter of the day is over.
    expect(nextAffordableAt(76, 100, 76, tomorrow)).toBe(tomorrow + hours(6));
    expect(nextAffordableAt(10, 0, 10, tomorrow)).toBe(tomorrow);
  });
});
