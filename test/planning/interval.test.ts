import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { difference, type Interval, intersection, isEmpty, union } from '../../src/planning/interval.ts';

/** Intervals on a short line, so that they overlap, touch and are empty often. */
const interval = fc
  .tuple(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 0, max: 40 }))
  .map(([start, end]): Interval => ({ start, end }));
const intervals = fc.array(interval, { maxLength: 12 });

function points(list: readonly Interval[]): boolean[] {
  return Array.from({ length: 41 }, (_, point) =>
    list.some(({ start, end }) => start <= point && point < end),
  );
}

/** The shortest way to write a set of points as intervals: sorted, disjoint, never touching. */
function runs(set: readonly boolean[]): Interval[] {
  const found: Interval[] = [];
  let start: number | undefined;
  for (const [point, inside] of [...set, false].entries()) {
    if (inside && start === undefined) start = point;
    if (!inside && start !== undefined) {
      found.push({ start, end: point });
      start = undefined;
    }
  }
  return found;
}

describe('intervals', () => {
  it('union holds every point of its parts in as few sorted intervals as possible', () => {
    fc.assert(
      fc.property(intervals, (list) => {
        expect(union(list)).toEqual(runs(points(list)));
      }),
      { numRuns: 500 },
    );
  });

  it('difference holds every point that is wanted and not taken, sorted and disjoint', () => {
    fc.assert(
      fc.property(intervals, intervals, (wanted, taken) => {
        const inTaken = points(taken);
        const expected = points(wanted).map((inside, point) => inside && inTaken[point] === false);
        expect(difference(wanted, taken)).toEqual(runs(expected));
      }),
      { numRuns: 1000 },
    );
  });

  it('intersection holds the points of both', () => {
    fc.assert(
      fc.property(interval, interval, (a, b) => {
        const inB = points([b]);
        const expected = points([a]).map((inside, point) => inside && inB[point] === true);
        const common = intersection(a, b);
        expect(isEmpty(common) ? [] : [common]).toEqual(runs(expected));
      }),
      { numRuns: 500 },
    );
  });

  it('is empty where it ends at or before its start', () => {
    expect(isEmpty({ start: 5, end: 5 })).toBe(true);
    expect(isEmpty({ start: 5, end: 4 })).toBe(true);
    expect(isEmpty({ start: 5, end: 6 })).toBe(false);
  });

  it('leaves the lists it is given as they were', () => {
    const wanted = Object.freeze([
      { start: 9, end: 12 },
      { start: 0, end: 4 },
    ]);
    const taken = Object.freeze([
      { start: 10, end: 11 },
      { start: 3, end: 9 },
    ]);
    expect(difference(wanted, taken)).toEqual([
      { start: 0, end: 3 },
      { start: 9, end: 10 },
      { start: 11, end: 12 },
    ]);
  });
});
