import { formatBeijing } from '../beijing.ts';
import { windowLength } from '../catalog/index.ts';
import type { Behaviour } from './behaviour.ts';
import { windowAt, windowFrom } from './grid.ts';
import type { Query } from './query.ts';

/** Starts of the windows that start in the range, are closed, and belong to the history; in the answer's order. */
export function closedWindows(
  { granularity, start: from, end }: Query,
  historyStart: number,
  { dayStart, rangeEnd, order }: Behaviour,
  now: number,
): number[] {
  const length = windowLength[granularity];
  const starts: number[] = [];
  const isInRange = (start: number) => (rangeEnd === 'inclusive' ? start <= end : start < end);
  const first = windowFrom(granularity, Math.max(from, historyStart), dayStart);
  for (let start = first; isInRange(start) && start + length <= now; start += length) starts.push(start);
  return order === 'newest' ? starts.reverse() : starts;
}

/** Start of the window that is open now, where it lies behind the range. */
export function runningWindow({ granularity, end }: Query, behaviour: Behaviour, now: number): number | null {
  const start = windowAt(granularity, now, behaviour.dayStart);
  return start > end ? start : null;
}

/** A window's bounds as they are written. */
export function windowTimes(
  { granularity }: Query,
  { windowEnd }: Behaviour,
  start: number,
): { startTime: string; endTime: string } {
  const end = start + windowLength[granularity];
  return {
    startTime: formatBeijing(start),
    endTime: formatBeijing(windowEnd === 'inclusive' ? end - 1 : end),
  };
}
