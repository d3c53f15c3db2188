import { type Granularity, granularities } from '../catalog/index.ts';
import { type Interval, intersection, isEmpty } from './interval.ts';
import type { Gap, Packer } from './packing.ts';
import type { DataRequest } from './request.ts';
import { settledUntil, wholeWindows, windowFrom } from './windows.ts';

/** From when until when windows are wanted, in each granularity. */
export type WantedWindows = ReadonlyMap<Granularity, Interval>;

/**
 * The windows that lie whole within the range and have settled.
 *
 * @param range what is asked for; its end may lie in the future
 * @param settleDelay milliseconds after its close until a window is due
 */
export function wantedWindows(
  range: Interval,
  chosen: readonly Granularity[],
  now: number,
  settleDelay: number,
): WantedWindows {
  return new Map(
    chosen.map((granularity) => {
      const settled = { start: range.start, end: settledUntil(granularity, now, settleDelay) };
      const { start, end } = intersection(range, settled);
      return [granularity, wholeWindows(granularity, { start, end: Math.max(start, end) })];
    }),
  );
}

/** Reads what is missing within an interval; the ledger's side of a plan. */
export type GapReader = (granularity: Granularity, interval: Interval) => Promise<readonly Gap[]>;

const segmentLength = 30 * 86_400_000;

/**
 * Divides a range into stretches of 30 days, newest first; the oldest takes what is left over and has up to 60. A
 * plan holds one stretch in memory at a time, and none is so short that packing it wastes requests.
 */
export function* segments(range: Interval): Generator<Interval> {
  let end = range.end;
  while (end - range.start >= 2 * segmentLength) {
    yield { start: end - segmentLength, end };
    end -= segmentLength;
  }
  if (end > range.start) yield { start: range.start, end };
}

/**
 * Requests for all that is missing of what is wanted, newest stretch first and within a stretch the coarse
 * granularities first, since they are few and show the whole picture soonest.
 */
export async function* planRequests(
  wanted: WantedWindows,
  readGaps: GapReader,
  packer: Packer,
): AsyncGenerator<DataRequest> {
  for await (const gaps of planGaps(wanted, readGaps)) {
    const requests = gaps.flatMap((gap) => packer.pack(gap));
    yield* requests.sort((a, b) => b.interval.end - a.interval.end);
  }
}

/** The gaps of what is wanted, one stretch of one granularity at a time. */
export async function* planGaps(wanted: WantedWindows, readGaps: GapReader): AsyncGenerator<readonly Gap[]> {
  const present = [...wanted].filter(([, interval]) => !isEmpty(interval));
  if (present.length === 0) return;
  const whole = {
    start: Math.min(...present.map(([, interval]) => interval.start)),
    end: Math.max(...present.map(([, interval]) => interval.end)),
  };
  for (const segment of segments(whole)) {
    for (const granularity of granularities.toReversed()) {
      const interval = wanted.get(granularity);
      if (interval === undefined) continue;
      const part = windowsStartingIn(granularity, intersection(interval, segment));
      if (!isEmpty(part)) yield await readGaps(granularity, part);
    }
  }
}

/** The windows that start within the interval: neighbouring intervals share none and lose none. */
function windowsStartingIn(granularity: Granularity, interval: Interval): Interval {
  return { start: windowFrom(granularity, interval.start), end: windowFrom(granularity, interval.end) };
}
