import { type Granularity, windowLength } from '../catalog/index.ts';

/**
 * Where windows start, in the simulator's own words: it is the oracle of tests, so it shares no calendar with the
 * program's planning. All instants are milliseconds since the epoch.
 */

/** When a 1d window starts, as the Beijing clock shows it. 15m, 1h and 4h lie on the same grid either way. */
export const dayStarts = ['08:00', '00:00'] as const;

export type DayStart = (typeof dayStarts)[number];

/** How far the 1d grid lies behind midnight UTC: 08:00 in Beijing is midnight UTC, 00:00 is 16:00 UTC. */
const shift: Readonly<Record<DayStart, number>> = { '08:00': 0, '00:00': 16 * 3_600_000 };

/** Start of the window that holds the instant. */
export function windowAt(granularity: Granularity, instant: number, dayStart: DayStart): number {
  const length = windowLength[granularity];
  const offset = granularity === '1d' ? shift[dayStart] : 0;
  return Math.floor((instant - offset) / length) * length + offset;
}

/** Start of the first window that starts at or after the instant. */
export function windowFrom(granularity: Granularity, instant: number, dayStart: DayStart): number {
  return windowAt(granularity, instant + windowLength[granularity] - 1, dayStart);
}

/** Whether a window of this granularity starts at the instant on either day's grid. */
export function isWindowStart(granularity: Granularity, instant: number): boolean {
  return dayStarts.some((dayStart) => windowAt(granularity, instant, dayStart) === instant);
}
