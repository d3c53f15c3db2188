import { type DayStart, dayStarts, type Granularity, windowLength } from '../catalog/index.ts';
import type { Milliseconds } from '../time.ts';

/** All cron patterns are Beijing time, the vendor's clock. */
export const timeZone = 'Asia/Shanghai';

const second = 1000;
const hour = 3_600_000;
const day = 86_400_000;

/**
 * When the windows of a granularity have settled, as a cron pattern with seconds: `settleDelay` milliseconds after the
 * close of each. Days may start at either hour where that is left to be found out: a plan at the other finds nothing due.
 */
export function settlePattern(
  granularity: Granularity,
  settleDelay: Milliseconds,
  dayStart: DayStart | 'auto',
): string {
  const length = windowLength[granularity];
  // The first second in which the window counts as settled.
  const offset = (Math.ceil(settleDelay / second) * second) % length;
  const starts =
    granularity === '1d'
      ? dayStarts
          .filter((each) => dayStart === 'auto' || each === dayStart)
          .map((each) => Number(each.slice(0, 2)) * hour + offset)
      : Array.from({ length: day / length }, (_, n) => n * length + offset);
  const minutes =
    length < hour ? [...new Set(starts.map((start) => Math.floor(start / 60_000) % 60))] : undefined;
  const hours = length > hour ? starts.map((start) => Math.floor(start / hour) % 24) : undefined;
  const ascending = (numbers: readonly number[]) => numbers.toSorted((a, b) => a - b).join();
  const minute = minutes ? ascending(minutes) : String(Math.floor(offset / 60_000) % 60);
  return `${Math.floor(offset / second) % 60} ${minute} ${hours ? ascending(hours) : '*'} * * *`;
}
