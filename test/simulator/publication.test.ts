import { describe, expect, it } from 'vitest';
import { granularities, metricCodes, metrics, windowLength } from '../../src/catalog/index.ts';
import { Market } from '../../src/simulator/index.ts';
import { beijing } from './ask.ts';

const minute = 60_000;
const start = beijing('2025-06-01');
const tokens = 60;

/** Every cell of the complete tokens in some days of quarters. */
function* cells(market: Market, windows: number) {
  for (const { token } of market.tokens.slice(0, tokens)) {
    for (let step = 0; step < windows; step += 1) {
      yield { token, window: start + step * windowLength['15m'] };
    }
  }
}

function delaysOf(market: Market, windows: number): number[] {
  return [...cells(market, windows)].map(({ token, window }) => {
    const published = market.publishedAt('15m', token, window) ?? Number.NaN;
    return (published - window - windowLength['15m']) / minute;
  });
}

describe('publication', () => {
  it('is in the third minute after the close where nothing is late', () => {
    const delays = delaysOf(new Market({ lateShare: 0 }), 100);
    expect(Math.min(...delays)).toBeGreaterThanOrEqual(2);
    expect(Math.max(...delays)).toBeLessThanOrEqual(3);
    expect(new Set(delays).size).toBeGreaterThan(1_000);
  });

  it('is late for about the share that was configured, by 20 minutes to 3 hours', () => {
    const delays = delaysOf(new Market({ lateShare: 0.05 }), 200);
    const late = delays.filter((delay) => delay > 3);
    expect(late.length / delays.length).toBeGreaterThan(0.04);
    expect(late.length / delays.length).toBeLessThan(0.06);
    expect(Math.min(...late)).toBeGreaterThanOrEqual(20);
    expect(Math.max(...late)).toBeLessThanOrEqual(180);
  });

  it('has about half a per cent late and a third of a per cent changed by default', () => {
    const market = new Market({ provisional: false });
    const delays = delaysOf(market, 300);
    expect(delays.filter((delay) => delay > 3).length / delays.length).toBeCloseTo(0.005, 2);
    let changed = 0;
    let values = 0;
    for (const { token, window } of cells(market, 50)) {
      for (const metric of metricCodes) {
        values += 1;
        if (market.changedAt('15m', token, metric, window) !== null) changed += 1;
      }
    }
    expect(changed / values).toBeGreaterThan(0.002);
    expect(changed / values).toBeLessThan(0.004);
  });

  it.each(granularities)(
    'shows nothing before its moment, and the final value at last, at %s',
    (granularity) => {
      const market = new Market({ lateShare: 0.2, changedShare: 0.3, provisional: false });
      for (const { token } of market.tokens.slice(0, 40)) {
        const close = start + windowLength[granularity];
        const published = market.publishedAt(granularity, token, start) ?? Number.NaN;
        for (const metric of metricCodes) {
          const asOf = (now: number) => market.valueAsOf(granularity, token, metric, start, now);
          const final = market.value(granularity, token, metric, start);
          const changed = market.changedAt(granularity, token, metric, start);
          expect(asOf(close - 1)).toBeNull();
          expect(asOf(published - 1)).toBeNull();
          expect(asOf(published)).not.toBeNull();
          expect(asOf(close + 360 * minute)).toBe(final);
          if (changed === null) {
            expect(asOf(published)).toBe(final);
          } else {
            expect(changed - close).toBeGreaterThanOrEqual(30 * minute);
            expect(changed - close).toBeLessThanOrEqual(360 * minute);
            expect(asOf(published)).not.toBe(final);
            expect(asOf(changed - 1)).not.toBe(final);
            expect(asOf(changed)).toBe(final);
          }
        }
      }
    },
  );

  // Values that differed from the final ones, of those first seen at the API in these minutes after the close (1h).
  it.each([
    { minutes: [3, 4, 5, 6], differed: 29, of: 45 },
    { minutes: [7], differed: 3, of: 20 },
    { minutes: [8, 9, 10, 11], differed: 4, of: 66 },
    { minutes: [12, 13, 14, 15], differed: 0, of: 62 },
    { minutes: [16, 60, 600], differed: 0, of: 527 },
  ])('has as many provisional values in minutes $minutes as the API was seen to have', (seen) => {
    const market = new Market({ lateShare: 0, changedShare: 0 });
    let values = 0;
    let differing = 0;
    for (const { token } of market.tokens.slice(0, 40)) {
      const final = market.row('1h', token, start);
      for (const at of seen.minutes) {
        const now = start + windowLength['1h'] + (at + 0.5) * minute;
        market.rowAsOf('1h', token, start, now)?.forEach((value, position) => {
          values += 1;
          if (value !== final?.[position]) differing += 1;
        });
      }
    }
    const expected = seen.differed / seen.of;
    // Two deviations of the share that was seen, in so few values.
    const doubt = 2 * Math.sqrt((expected * (1 - expected)) / seen.of);
    expect(Math.abs(differing / values - expected)).toBeLessThanOrEqual(doubt);
  });

  it('has values that never change once they stand, where that is turned off', () => {
    const market = new Market({ lateShare: 0, changedShare: 0, provisional: false });
    for (const { token, window } of cells(market, 5)) {
      const now = window + windowLength['15m'] + 3 * minute;
      expect(market.rowAsOf('15m', token, window, now)).toEqual(market.row('15m', token, window));
    }
  });

  it('has neither late nor changed values where both are turned off', () => {
    const market = new Market({ lateShare: 0, changedShare: 0 });
    for (const { token, window } of cells(market, 20)) {
      const now = window + windowLength['15m'] + 15 * minute;
      expect(market.rowAsOf('15m', token, window, now)).toEqual(market.row('15m', token, window));
    }
  });

  it('keeps preliminary values within the metric’s bounds', () => {
    const market = new Market({ lateShare: 0, changedShare: 1 });
    for (const { token, window } of cells(market, 40)) {
      const early = market.rowAsOf('15m', token, window, window + 30 * minute) ?? [];
      const final = market.row('15m', token, window) ?? [];
      expect(early).toHaveLength(metricCodes.length);
      early.forEach((value, at) => {
        expect(value).not.toBe(final[at]);
        const { minimum, maximum } = metrics[at] ?? { minimum: null, maximum: null };
        if (minimum !== null) expect(value).toBeGreaterThanOrEqual(minimum);
        if (maximum !== null) expect(value).toBeLessThanOrEqual(maximum);
      });
    }
  });
});
