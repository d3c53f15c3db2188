import { type Granularity, windowLength } from '../catalog/index.ts';
import type { Instant, Milliseconds } from '../time.ts';
import type { Interval } from './interval.ts';

/**
 * The purposes of requests, most urgent first: the newest windows; holes of the last days; recent windows once more,
 * in case their values changed; all that is older; and windows of any age once more, to see how often they change.
 */
export const lanes = ['live', 'repair', 'lookback', 'history', 'audit'] as const;

export type Lane = (typeof lanes)[number];

/** Number of the newest windows that count as live. */
export const liveWindows = 2;

/** The age from which on a gap is history. */
const repairAge: Milliseconds = 7 * 86_400_000;

/**
 * The lane of a gap.
 * @param settledEnd end of the newest window that is due
 */
export function laneOfGap(granularity: Granularity, interval: Interval, settledEnd: Instant): Lane {
  if (interval.end > settledEnd - liveWindows * windowLength[granularity]) return 'live';
  return interval.end > settledEnd - repairAge ? 'repair' : 'history';
}
