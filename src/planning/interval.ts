import type { Instant } from '../time.ts';

/** A stretch of time, half-open: `start` belongs to it, `end` does not. */
export interface Interval {
  readonly start: Instant;
  readonly end: Instant;
}

export function isEmpty(interval: Interval): boolean {
  return interval.end <= interval.start;
}

export function intersection(a: Interval, b: Interval): Interval {
  return { start: Math.max(a.start, b.start), end: Math.min(a.end, b.end) };
}

/** Sorted by start, with overlapping and touching intervals made one; empty ones are dropped. */
export function union(intervals: readonly Interval[]): Interval[] {
  const sorted = intervals.filter((interval) => !isEmpty(interval)).sort((a, b) => a.start - b.start);
  const merged: Interval[] = [];
  for (const interval of sorted) {
    const last = merged.at(-1);
    if (last !== undefined && interval.start <= last.end) {
      merged[merged.length - 1] = { start: last.start, end: Math.max(last.end, interval.end) };
    } else {
      merged.push(interval);
    }
  }
  return merged;
}

/** The parts of `wanted` that are in none of `taken`; sorted, disjoint. */
export function difference(wanted: readonly Interval[], taken: readonly Interval[]): Interval[] {
  const holes = union(taken);
  const rest: Interval[] = [];
  for (const interval of union(wanted)) {
    let start = interval.start;
    for (const hole of holes) {
      if (hole.end <= start) continue;
      if (hole.start >= interval.end) break;
      if (hole.start > start) rest.push({ start, end: hole.start });
      start = Math.max(start, hole.end);
    }
    if (start < interval.end) rest.push({ start, end: interval.end });
  }
  return rest;
}
