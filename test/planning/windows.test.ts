import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { granularities } from '../../src/catalog/index.ts';
import {
  isWindowStart,
  settledUntil,
  windowAt,
  windowCount,
  windowFrom,
  windowStarts,
  windowsStartingIn,
} from '../../src/planning/windows.ts';
import { day, granularity, lengthOf, newYear } from './arbitraries.ts';

const instants = fc.integer({ min: Date.UTC(2024, 0, 1), max: Date.UTC(2029, 0, 1) });

const hourAndMinute = new Intl.DateTimeFormat('en-US', {
  timeZone: 'Asia/Shanghai',
  hourCycle: 'h23',
  hour: '2-digit',
  minute: '2-digit',
});

/** Minutes since midnight on a clock in Shanghai. */
function minutesOfDay(instant: number): number {
  const [hour = 0, minute = 0] = hourAndMinute.format(instant).split(':').map(Number);
  return hour * 60 + minute;
}

describe('windows', () => {
  it('start at 16:00 UTC where they last a day', () => {
    fc.assert(
      fc.property(instants, (instant) => {
        expect(new Date(windowAt('1d', instant, '00:00')).toISOString().slice(11)).toBe('16:00:00.000Z');
      }),
    );
    expect(windowAt('1d', newYear, '00:00')).toBe(newYear);
    expect(windowAt('1d', newYear - 1, '00:00')).toBe(newYear - day);
  });

  it('start at midnight UTC, 08:00 in Beijing, where the API starts its days then; the finer ones as ever', () => {
    fc.assert(
      fc.property(granularity, instants, (of, instant) => {
        const start = windowAt(of, instant, '08:00');
        if (of === '1d') expect(start % day).toBe(0);
        else expect(start).toBe(windowAt(of, instant, '00:00'));
        expect(start <= instant && instant < start + lengthOf[of]).toBe(true);
      }),
    );
  });

  it('start at whole multiples of their length since midnight in Beijing', () => {
    fc.assert(
      fc.property(granularity, instants, (of, instant) => {
        const start = windowAt(of, instant, '00:00');
        expect(start % 60_000).toBe(0);
        expect(minutesOfDay(start) % (lengthOf[of] / 60_000)).toBe(0);
      }),
    );
  });

  it('tile time: each instant lies in exactly one window of a granularity', () => {
    fc.assert(
      fc.property(granularity, instants, (of, instant) => {
        const start = windowAt(of, instant, '00:00');
        expect(start <= instant && instant < start + lengthOf[of]).toBe(true);
        expect(windowAt(of, start, '00:00')).toBe(start);
        expect(windowAt(of, start + lengthOf[of] - 1, '00:00')).toBe(start);
        expect(windowAt(of, start + lengthOf[of], '00:00')).toBe(start + lengthOf[of]);
        expect(windowAt(of, start - 1, '00:00')).toBe(start - lengthOf[of]);
      }),
      { numRuns: 300 },
    );
  });

  it('of a finer granularity never cross the border of a coarser one', () => {
    fc.assert(
      fc.property(instants, (instant) => {
        for (const [index, fine] of granularities.entries()) {
          for (const coarse of granularities.slice(index + 1)) {
            const start = windowAt(fine, instant, '00:00');
            expect(windowAt(coarse, start, '00:00')).toBe(
              windowAt(coarse, start + lengthOf[fine] - 1, '00:00'),
            );
          }
        }
      }),
    );
  });

  it('start where isWindowStart says so and nowhere else', () => {
    fc.assert(
      fc.property(granularity, instants, fc.integer({ min: 1, max: 899_999 }), (of, instant, shift) => {
        const start = windowAt(of, instant, '00:00');
        expect(isWindowStart(of, start, '00:00')).toBe(true);
        expect(isWindowStart(of, start + shift, '00:00')).toBe(false);
      }),
    );
  });

  it('windowFrom is the first start at or after an instant', () => {
    fc.assert(
      fc.property(granularity, instants, (of, instant) => {
        const start = windowFrom(of, instant, '00:00');
        expect(windowAt(of, start, '00:00')).toBe(start);
        expect(start >= instant && start - instant < lengthOf[of]).toBe(true);
      }),
    );
  });

  it('have settled once they are closed for the settle delay, and not a millisecond before', () => {
    fc.assert(
      fc.property(granularity, instants, fc.nat({ max: 2 * day }), (of, now, delay) => {
        const end = settledUntil(of, now, delay, '00:00');
        expect(windowAt(of, end, '00:00')).toBe(end);
        // The window that ends here is closed for long enough, the one after it is not.
        expect(end + delay).toBeLessThanOrEqual(now);
        expect(end + lengthOf[of] + delay).toBeGreaterThan(now);
      }),
      { numRuns: 300 },
    );
    const close = newYear + 3_600_000;
    expect(settledUntil('1h', close + 900_000, 900_000, '00:00')).toBe(close);
    expect(settledUntil('1h', close + 899_999, 900_000, '00:00')).toBe(close - 3_600_000);
  });

  it('windowsStartingIn keeps exactly the windows that start within an interval', () => {
    const lengths = fc.nat({ max: 3 * day });
    fc.assert(
      fc.property(granularity, instants, lengths, (of, start, length) => {
        const end = start + length;
        const expected: number[] = [];
        for (let time = windowAt(of, start, '00:00') - lengthOf[of]; time <= end; time += lengthOf[of]) {
          if (time >= start && time < end) expected.push(time);
        }
        const whole = windowsStartingIn(of, { start, end }, '00:00');
        expect([...windowStarts(of, whole)]).toEqual(expected);
        expect(windowCount(of, whole)).toBe(expected.length);
      }),
      { numRuns: 200 },
    );
  });

  it('windowsStartingIn of an interval shorter than a window is empty, not negative', () => {
    const whole = windowsStartingIn('1d', { start: newYear + 1, end: newYear + 2 }, '00:00');
    expect(windowCount('1d', whole)).toBe(0);
    expect(whole.end).toBe(whole.start);
  });

  it('windowCount of an interval turned upside down is none', () => {
    expect(windowCount('1h', { start: newYear, end: newYear - day })).toBe(0);
  });
});
