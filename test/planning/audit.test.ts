import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { granularities } from '../../src/catalog/index.ts';
import { ageLimits, auditsDue, drawWindow, shuffled } from '../../src/planning/audit.ts';
import { randomFrom } from '../support/mutations.ts';
import { day, lengthOf, newYear } from './arbitraries.ts';

const seeds = fc.integer({ min: 1, max: 2 ** 31 });

describe('a window of the audit', () => {
  it('is one of those that have settled, on the grid', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...granularities),
        fc.nat({ max: 20_000 }),
        seeds,
        (granularity, windows, seed) => {
          const length = lengthOf[granularity];
          const settled = { start: newYear, end: newYear + windows * length };
          const drawn = drawWindow(granularity, settled, randomFrom(seed));
          expect(drawn === undefined).toBe(windows === 0);
          if (drawn === undefined) return;
          const { start, end } = drawn;
          expect(end - start).toBe(length);
          expect(start).toBeGreaterThanOrEqual(settled.start);
          expect(end).toBeLessThanOrEqual(settled.end);
          expect((start - newYear) % length).toBe(0);
        },
      ),
    );
  });

  it('is of every class of ages about as often', () => {
    const random = randomFrom(7);
    const settled = { start: newYear, end: newYear + 400 * day };
    const drawn = [...ageLimits, Number.POSITIVE_INFINITY].map(() => 0);
    const draws = 3000;
    for (let draw = 0; draw < draws; draw++) {
      const window = drawWindow('1h', settled, random);
      const age = settled.end - (window?.end ?? 0);
      const place = ageLimits.findIndex((limit) => age < limit);
      const at = place === -1 ? ageLimits.length : place;
      drawn[at] = (drawn[at] ?? 0) + 1;
    }
    for (const number of drawn) expect(number / draws).toBeCloseTo(1 / 6, 1);
  });

  it('is any of a class: the oldest and the youngest, too', () => {
    const settled = { start: newYear, end: newYear + 3 * lengthOf['4h'] };
    const random = randomFrom(1);
    const starts = new Set(Array.from({ length: 100 }, () => drawWindow('4h', settled, random)?.start));
    expect(starts.size).toBe(3);
  });
});

describe('tokens in random order', () => {
  it('are the same tokens', () => {
    fc.assert(
      fc.property(fc.array(fc.string()), seeds, (items, seed) => {
        expect(shuffled(items, randomFrom(seed)).sort()).toEqual(items.toSorted());
      }),
    );
  });
});

describe('calls of the audit', () => {
  it('are spread over the day, and never more than a day may have', () => {
    fc.assert(
      fc.property(fc.nat({ max: 200 }), (perDay) => {
        let sent = 0;
        for (let hour = 0; hour < 24; hour++) {
          const due = auditsDue(perDay, (hour + 0.3) / 24, sent);
          expect(due).toBeLessThanOrEqual(Math.ceil(perDay / 24));
          sent += due;
        }
        expect(sent).toBe(perDay);
        expect(auditsDue(perDay, 1, perDay + 5)).toBe(0);
      }),
    );
  });
});
