import { beijingDay } from '../beijing.ts';
import { type DayStart, type Granularity, windowLength } from '../catalog/index.ts';
import type { Instant, Milliseconds } from '../time.ts';
import type { Interval } from './interval.ts';

/**
 * Windows tile time: the fine ones divide the Beijing day, a 1d window starts when the API's day does (`DayStart`). A
 * window is named by its start.
 */

/** From Beijing midnight to the start of the API's day. */
const sinceMidnight: Readonly<Record<DayStart, Milliseconds>> = { '08:00': 8 * 3_600_000, '00:00': 0 };

/** Start of the window that holds the instant. */
export function windowAt(granularity: Granularity, instant: Instant, dayStart: DayStart): Instant {
  const length = windowLength[granularity];
  const shift = granularity === '1d' ? sinceMidnight[dayStart] : 0;
  const day = beijingDay(instant - shift) + shift;
  return day + Math.floor((instant - day) / length) * length;
}

/** Start of the first window that starts at or after the instant. */
export function windowFrom(granularity: Granularity, instant: Instant, dayStart: DayStart): Instant {
  return windowAt(granularity, instant + windowLength[granularity] - 1, dayStart);
}

/** Whether a window of this granularity starts at the instant. */
export function isWindowStart(granularity: Granularity, instant: Instant, dayStart: DayStart): boolean {
  return windowAt(granularity, instant, dayStart) === instant;
}

/**
 * End of the newest window that has settled: closed for at least `settleDelay`, so that the API should
 * have its data.
 */
export function settledUntil(
  granularity: Granularity,
  now: Instant,
  settleDelay: Milliseconds,
  dayStart: DayStart,
): Instant {
  return windowAt(granularity, now - settleDelay, dayStart);
}

/** The windows that start within the interval, as the interval from the first one's start to the last one's end. */
export function windowsStartingIn(
  granularity: Granularity,
  interval: Interval,
  dayStart: DayStart,
): Interval {
  const start = windowFrom(granularity, interval.start, dayStart);
  return { start, end: Math.max(start, windowFrom(granularity, interval.end, dayStart)) };
}

/**
 * Windows that start earlier than this were asked for long after they closed: a value first seen now says nothing about
 * when the market could know it. Windows that the look-back asks for again still count as observed.
 */
export function observedFrom(
  granularity: Granularity,
  now: Instant,
  rules: { readonly settleDelay: Milliseconds; readonly lookbackWindows: number },
): Instant {
  return now - rules.settleDelay - (rules.lookbackWindows + 2) * windowLength[granularity];
}

/** How long empty answers are asked for again, once a day; afterwards an answer without a value is believed for good. */
export const recheckedFor: Milliseconds = 3 * 86_400_000;

/** How many windows an interval on the grid holds. */
export function windowCount(granularity: Granularity, interval: Interval): number {
  return Math.max(0, (interval.end - interval.start) / windowLength[granularity]);
}

/** Starts of the windows of an interval on the grid, oldest first. */
export function* windowStarts(granularity: Granularity, interval: Interval): Generator<Instant> {
  for (let start = interval.start; start < interval.end; start += windowLength[granularity]) yield start;
}
