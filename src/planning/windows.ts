import { beijingDay } from '../beijing.ts';
import { type Granularity, windowLength } from '../catalog/index.ts';
import type { Interval } from './interval.ts';

/**
 * Windows tile the Beijing day: a 1d window starts at 16:00 UTC, the finer ones divide it. A window is named by
 * its start.
 */

/** Start of the window that holds the instant. */
export function windowAt(granularity: Granularity, instant: number): number {
  const day = beijingDay(instant);
  const length = windowLength[granularity];
  return day + Math.floor((instant - day) / length) * length;
}

/** Start of the first window that starts at or after the instant. */
export function windowFrom(granularity: Granularity, instant: number): number {
  return windowAt(granularity, instant + windowLength[granularity] - 1);
}

/** Whether a window of this granularity starts at the instant. */
export function isWindowStart(granularity: Granularity, instant: number): boolean {
  return windowAt(granularity, instant) === instant;
}

/**
 * End of the newest window that has settled: closed for at least `settleDelay` milliseconds, so that the API should
 * have its data.
 */
export function settledUntil(granularity: Granularity, now: number, settleDelay: number): number {
  return windowAt(granularity, now - settleDelay);
}

/** The windows that lie whole within the interval, as the interval from the first one's start to the last one's end. */
export function wholeWindows(granularity: Granularity, interval: Interval): Interval {
  const start = windowFrom(granularity, interval.start);
  const end = windowAt(granularity, interval.end);
  return { start, end: Math.max(start, end) };
}

/**
 * Windows that start earlier than this were asked for long after they closed: a value first seen now says nothing about
 * when the market could know it. Windows that the look-back asks for again still count as observed.
 */
export function observedFrom(
  granularity: Granularity,
  now: number,
  rules: { readonly settleDelay: number; readonly lookbackWindows: number },
): number {
  return now - rules.settleDelay - (rules.lookbackWindows + 2) * windowLength[granularity];
}

/** How many windows an interval on the grid holds. */
export function windowCount(granularity: Granularity, interval: Interval): number {
  return Math.max(0, (interval.end - interval.start) / windowLength[granularity]);
}

/** Starts of the windows of an interval on the grid, oldest first. */
export function* windowStarts(granularity: Granularity, interval: Interval): Generator<number> {
  for (let start = interval.start; start < interval.end; start += windowLength[granularity]) yield start;
}
