import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { backoff, defaultRetryPolicy, parseRetryAfter } from '../../src/api/retry.ts';

const policy = { attempts: 5, firstDelay: 500, longestDelay: 30_000 };
const chance = fc.double({ min: 0, max: 1, noNaN: true });

describe('backoff', () => {
  it('doubles its ceiling from the first delay to the longest', () => {
    const ceilings = [500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000];
    expect(ceilings.map((_, failed) => backoff(policy, failed + 1, undefined, 1))).toEqual(ceilings);
    expect(backoff(policy, 2000, undefined, 1)).toBe(30_000);
  });

  it('waits anything between nothing and the ceiling: full jitter', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 60 }), chance, (attempt, random) => {
        let ceiling = 500;
        for (let failed = 1; failed < attempt && ceiling < 30_000; failed++) ceiling += ceiling;
        ceiling = Math.min(ceiling, 30_000);
        const wait = backoff(policy, attempt, undefined, random);
        expect(wait).toBeGreaterThanOrEqual(0);
        expect(wait).toBeLessThanOrEqual(ceiling);
        expect(wait).toBeCloseTo(ceiling * random, 6);
      }),
    );
    expect(backoff(policy, 5, undefined, 0)).toBe(0);
  });

  it('keeps a wait that the API named and lengthens it a little', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 60 }),
        fc.nat({ max: 120_000 }),
        chance,
        (attempt, named, random) => {
          const wait = backoff(policy, attempt, named, random);
          expect(wait).toBeGreaterThanOrEqual(named);
          expect(wait).toBeLessThanOrEqual(named + 500);
        },
      ),
    );
    expect(backoff(policy, 1, 90_000, 0)).not.toBe(backoff(policy, 1, 90_000, 1));
  });

  it('gives up after five calls by default', () => {
    expect(defaultRetryPolicy.attempts).toBe(5);
  });
});

describe('Retry-After', () => {
  const now = Date.parse('2026-10-21T07:28:00Z');

  it.each([
    ['120', 120_000],
    ['0', 0],
    [' 7 ', 7000],
    ['1.5', 1500],
    ['-5', 0],
    ['Wed, 21 Oct 2026 07:29:30 GMT', 90_000],
    ['Wed, 21 Oct 2026 07:28:00 GMT', 0],
    ['Wed, 21 Oct 2026 07:00:00 GMT', 0],
  ])('of %j is %i milliseconds', (header, milliseconds) => {
    expect(parseRetryAfter(header, now)).toBe(milliseconds);
  });

  it.each([null, '', '  ', 'soon', 'Infinity', 'NaN', '2 minutes please'])('of %j says nothing', (header) => {
    expect(parseRetryAfter(header, now)).toBeUndefined();
  });

  it.each(['121', '86400000', '1e300', '1e308', '0x7fffffff', 'Thu, 31 Dec 2099 23:59:59 GMT'])(
    'of %j is obeyed for two minutes: who waits for years never comes back',
    (header) => {
      expect(parseRetryAfter(header, now)).toBe(120_000);
    },
  );

  it('is something from nothing to two minutes, whatever the header holds', () => {
    const header = fc.oneof(fc.string(), fc.double().map(String), fc.date().map(String));
    fc.assert(
      fc.property(header, (text) => {
        const wait = parseRetryAfter(text, now);
        expect(wait === undefined || (wait >= 0 && wait <= 120_000)).toBe(true);
      }),
      { numRuns: 1000 },
    );
  });
});
