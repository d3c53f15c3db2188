import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Granularity, granularities } from '../../src/catalog/index.ts';
import { settlePattern } from '../../src/queue/schedules.ts';
import { firesAfter, settlesAfter } from './cron.ts';

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;
const delays = [
  0,
  1,
  999,
  1000,
  1001,
  30_000,
  90_000,
  5 * minute,
  14 * minute + 59_000,
  15 * minute,
  15 * minute + 30_500,
  20 * minute,
  59 * minute + 59_000,
  hour,
  hour + 1000,
  3 * hour + 50 * minute,
  4 * hour,
  7 * hour + 25_000,
  day - 1000,
  day,
  36 * hour,
  10 * day + 7 * minute,
];
const instants = fc.integer({ min: Date.UTC(2025, 0, 1), max: Date.UTC(2030, 0, 1) });

/** Enough fires to go round a whole day, and past midnight. */
const round: Readonly<Record<Granularity, number>> = { '15m': 97, '1h': 26, '4h': 8, '1d': 4 };

describe('the schedule of a granularity', () => {
  it.each(granularities)(
    '%s fires when a window has settled, for every settle delay, and at no other time',
    (of) => {
      const from = Date.UTC(2026, 1, 28, 3, 14, 15, 926);
      for (const delay of delays) {
        expect(firesAfter(from, settlePattern(of, delay, '00:00'), round[of])).toEqual(
          settlesAfter(from, of, delay, round[of]),
        );
      }
    },
  );

  it('holds for any delay and from any moment', () => {
    fc.assert(
      fc.property(
        fc.constantFrom<Granularity[]>(...granularities),
        fc.nat({ max: 3 * day }),
        instants,
        (of, delay, from) => {
          expect(firesAfter(from, settlePattern(of, delay, '00:00'), 6)).toEqual(
            settlesAfter(from, of, delay, 6),
          );
        },
      ),
      { numRuns: 150 },
    );
  });
});
