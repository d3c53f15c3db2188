import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { expectedRate, shareOf } from '../../src/backfill/price.ts';

describe('the rate that a price is worked out with', () => {
  it('is the configured one as long as fewer than twenty answers were measured', () => {
    expect(expectedRate(5, 4, { calls: 19, seconds: 60 })).toEqual({ rate: 5, rateFrom: 'configured' });
    expect(expectedRate(5, 4, { calls: 0, seconds: 0 })).toEqual({ rate: 5, rateFrom: 'configured' });
  });

  it('is what answers that take long allow: four at a time, of eight seconds each, are one in two seconds', () => {
    expect(expectedRate(5, 4, { calls: 20, seconds: 8 })).toEqual({ rate: 0.5, rateFrom: 'measured' });
  });

  it('is never more than is configured', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0.01, max: 1000, noNaN: true }),
        fc.integer({ min: 1, max: 64 }),
        fc.nat(1000),
        fc.double({ min: 0, max: 600, noNaN: true }),
        (configured, concurrency, calls, seconds) => {
          const { rate } = expectedRate(configured, concurrency, { calls, seconds });
          expect(rate).toBeGreaterThan(0);
          expect(rate).toBeLessThanOrEqual(configured);
        },
      ),
    );
  });
});

describe('the share of a daily budget', () => {
  it('is what the calls take of what history may have', () => {
    expect(shareOf(150, { today: 10, perDay: 300, untilTomorrow: 3600 })).toBe(0.5);
  });

  it('is unknown without a budget, and where it leaves history nothing', () => {
    expect(shareOf(150, undefined)).toBeUndefined();
    expect(shareOf(150, { today: 0, perDay: 0, untilTomorrow: 3600 })).toBeUndefined();
  });
});
