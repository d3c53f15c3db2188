import { createRequire } from 'node:module';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Granularity, granularities } from '../../src/catalog/index.ts';
import { schedule, settlePattern, timeZone } from '../../src/queue/schedules.ts';

/** The parser that BullMQ itself uses. */
interface CronParser {
  readonly CronExpressionParser: {
    parse(pattern: string, options: { currentDate: Date; tz: string }): { next(): { getTime(): number } };
  };
}
const here = createRequire(import.meta.url);
const { CronExpressionParser }: CronParser = createRequire(here.resolve('bullmq'))('cron-parser');

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;
const lengths: Readonly<Record<Granularity, number>> = {
  '15m': 15 * minute,
  '1h': hour,
  '4h': 4 * hour,
  '1d': day,
};

/** The next times after an instant at which BullMQ would let a pattern fire. */
function firesAfter(instant: number, pattern: string, count: number): number[] {
  const expression = CronExpressionParser.parse(pattern, { currentDate: new Date(instant), tz: timeZone });
  return Array.from({ length: count }, () => expression.next().getTime());
}

/** When the windows of a granularity settle: their end and the delay, at a whole second. */
function settlesAfter(instant: number, granularity: Granularity, delay: number, count: number): number[] {
  const midnight = Date.UTC(2020, 11, 31, 16);
  const length = lengths[granularity];
  const wait = Math.ceil(delay / 1000) * 1000;
  const first = Math.floor((instant - midnight - wait) / length) + 1;
  return Array.from({ length: count }, (_, index) => midnight + wait + (first + index) * length);
}

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
        expect(firesAfter(from, settlePattern(of, delay), round[of])).toEqual(
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
          expect(firesAfter(from, settlePattern(of, delay), 6)).toEqual(settlesAfter(from, of, delay, 6));
        },
      ),
      { numRuns: 150 },
    );
  });

  it('is what the task of that name is due by', () => {
    for (const granularity of granularities) {
      expect(schedule(granularity, 15 * minute)).toBe(settlePattern(granularity, 15 * minute));
    }
    expect(schedule('1d', 15 * minute)).toBe('0 15 0 * * *');
    expect(schedule('15m', 15 * minute)).toBe('0 0,15,30,45 * * * *');
  });
});

describe('the other schedules', () => {
  it('ask for tags two minutes after a day has settled', () => {
    fc.assert(
      fc.property(fc.nat({ max: 2 * day }), instants, (delay, from) => {
        const expected = settlesAfter(from, '1d', delay + 2 * minute, 3);
        expect(firesAfter(from, schedule('tags', delay), 3)).toEqual(expected);
      }),
      { numRuns: 40 },
    );
  });

  it('heal every five minutes, whatever the settle delay', () => {
    const fires = firesAfter(Date.UTC(2026, 0, 1), schedule('heal', 15 * minute), 40);
    const waits = fires.slice(1).map((fire, index) => fire - (fires[index] ?? 0));
    expect(new Set(waits)).toEqual(new Set([5 * minute]));
    expect(schedule('heal', 7 * hour)).toBe(schedule('heal', 0));
  });

  it('look for new tokens once a day', () => {
    const [first = 0, second = 0] = firesAfter(Date.UTC(2026, 0, 1), schedule('tokens', 0), 2);
    expect(second - first).toBe(day);
  });
});
