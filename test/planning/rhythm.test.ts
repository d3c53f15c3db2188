import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nextHeal, nextLookback, nextRecheck } from '../../src/planning/rhythm.ts';
import { hour, minute } from '../support/clock.ts';

describe('the look-back of a window', () => {
  /** Every tick after the first, while the window is among the newest: counted out. */
  function ticks(dueAt: number, length: number, lookbackWindows: number): number[] {
    const found: number[] = [];
    for (let tick = dueAt + length; found.length < 50; tick += length) {
      const newestEnd = tick;
      // At the tick the newest due window ends where the tick began to settle: so many windows up to it are asked for.
      const windowsSince = (newestEnd - dueAt) / length;
      if (windowsSince + 1 > lookbackWindows) break;
      found.push(tick);
    }
    return found;
  }

  it('is at the next of the ticks that ask for it once more', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 6 }),
        fc.integer({ min: 0, max: 600 }),
        (lookbackWindows, minutes) => {
          const dueAt = Date.UTC(2025, 5, 1);
          const now = dueAt + minutes * minute;
          const all = ticks(dueAt, hour, lookbackWindows);
          const next = all.find((tick) => tick > now);
          expect(nextLookback(dueAt, hour, lookbackWindows, now)).toEqual(
            next === undefined ? undefined : { next, last: all.at(-1) },
          );
        },
      ),
    );
  });
});

describe('the recheck', () => {
  it.each([
    ['2025-06-19T20:40:49Z', '2025-06-19T20:40:50Z'],
    ['2025-06-19T20:40:50Z', '2025-06-20T20:40:50Z'],
    ['2025-06-20T00:00:00Z', '2025-06-20T20:40:50Z'],
  ])('after %s is at %s, which is 04:40:50 in Beijing', (now, expected) => {
    expect(nextRecheck(Date.parse(now))).toBe(Date.parse(expected));
  });
});

describe('the next repair of what failed', () => {
  it.each([
    ['2025-06-20T10:00:00Z', '2025-06-20T10:02:45Z'],
    ['2025-06-20T10:02:45Z', '2025-06-20T10:07:45Z'],
    ['2025-06-20T10:58:00Z', '2025-06-20T11:02:45Z'],
  ])('after %s is at %s', (now, next) => {
    expect(new Date(nextHeal(Date.parse(now))).toISOString()).toBe(next.replace('Z', '.000Z'));
  });
});
