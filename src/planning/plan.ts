import { type DayStart, type Granularity, granularities, windowLength } from '../catalog/index.ts';
import type { Instant, Milliseconds } from '../time.ts';
import { type Interval, intersection, isEmpty } from './interval.ts';
import type { Gap, Packer } from './packing.ts';
import type { DataRequest } from './request.ts';
import { settledUntil, windowsStartingIn } from './windows.ts';

/** From when until when windows are wanted, in each granularity. */
export type WantedWindows = ReadonlyMap<Granularity, Interval>;

/** How long windows of each granularity are wanted, in milliseconds; for good where it does not say. */
export type Keep = Readonly<Partial<Record<Granularity, number | undefined>>>;

/** The instant from which on windows of a granularity are wanted still; milliseconds since the epoch. */
export function keptFrom(keep: Keep, granularity: Granularity, now: number): number {
  const age = keep[granularity];
  return age === undefined ? Number.NEGATIVE_INFINITY : now - age;
}

/**
 * The windows that start within the range and have settled.
 *
 * @param range what is asked for; its end may lie in the future
 * @param settleDelay after its close until a window is due
 * @param dayStart when 1d windows start
 */
export function wantedWindows(
  range: Interval,
  chosen: readonly Granularity[],
  now: Instant,
  settleDelay: Milliseconds,
  dayStart: DayStart,
  keep: Keep = {},
): WantedWindows {
  return new Map(
    chosen.map((granularity) => {
      const start = Math.max(range.start, keptFrom(keep, granularity, now));
      const started = windowsStartingIn(granularity, { start, end: Math.max(start, range.end) }, dayStart);
      const end = Math.min(started.end, settledUntil(granularity, now, settleDelay, dayStart));
      return [granularity, { start: started.start, end: Math.max(started.start, end) }];
    }),
  );
}

/** Reads what is missing within an interval; the ledger's side of a plan. */
export type GapReader = (granularity: Granularity, interval: Interval) => Promise<readonly Gap[]>;

/** Length of a stretch in which 200 tokens × 13 metrics of all granularities are planned: some 5,000 requests. */
const shortestStretch: Milliseconds = 30 * 86_400_000;
const everything = 2600;

/**
 * How long a stretch of a plan is: long enough that what its ends cost in requests does not matter,
 * short enough to be held in memory.
 *
 * @param pairs how many pairs of token and metric are planned
 * @param planned the granularities that are planned together
 */
export function stretchFor(pairs: number, planned: Iterable<Granularity>): Milliseconds {
  const finest: Milliseconds = Math.min(...Array.from(planned, (granularity) => windowLength[granularity]));
  const windows = Number.isFinite(finest) ? finest / windowLength['15m'] : 1;
  return shortestStretch * Math.max(1, Math.floor((everything / Math.max(1, pairs)) * windows));
}

/**
 * Divides a range into stretches, newest first; the oldest takes what is left over and is up to twice as long. A plan
 * holds one stretch in memory at a time, and none is so short that packing it wastes requests.
 */
export function* segments(range: Interval, stretch: Milliseconds = shortestStretch): Generator<Interval> {
  let end = range.end;
  while (end - range.start >= 2 * stretch) {
    yield { start: end - stretch, end };
    end -= stretch;
  }
  if (end > range.start) yield { start: range.start, end };
}

/**
 * Requests for all that is missing of what is wanted, newest stretch first and within a stretch the coarse
 * granularities first, since they are few and show the whole picture soonest.
 *
 * @param stretch see {@link stretchFor}
 */
export async function* planRequests(
  wanted: WantedWindows,
  readGaps: GapReader,
  packer: Packer,
  stretch: Milliseconds = shortestStretch,
): AsyncGenerator<DataRequest> {
  for await (const gaps of planGaps(wanted, readGaps, stretch)) {
    const requests = gaps.flatMap((gap) => packer.pack(gap));
    yield* requests.sort((a, b) => b.interval.end - a.interval.end);
  }
}

/** The gaps of what is wanted, one stretch of one granularity at a time. */
export async function* planGaps(
  wanted: WantedWindows,
  readGaps: GapReader,
  stretch: Milliseconds = shortestStretch,
): AsyncGenerator<readonly Gap[]> {
  const present = [...wanted].filter(([, interval]) => !isEmpty(interval));
  if (present.length === 0) return;
  const whole = {
    start: Math.min(...present.map(([, interval]) => interval.start)),
    end: Math.max(...present.map(([, interval]) => interval.end)),
  };
  for (const segment of segments(whole, stretch)) {
    for (const granularity of granularities.toReversed()) {
      const interval = wanted.get(granularity);
      if (interval === undefined) continue;
      const part = windowsWithin(granularity, interval, segment);
      if (!isEmpty(part)) yield await readGaps(granularity, part);
    }
  }
}

/** The windows of `wanted` that start within the segment: neighbouring segments share none and lose none. */
function windowsWithin(granularity: Granularity, wanted: Interval, segment: Interval): Interval {
  const length = windowLength[granularity];
  const onGrid = (instant: Instant) => wanted.start + Math.ceil((instant - wanted.start) / length) * length;
  const { start, end } = intersection(wanted, segment);
  return { start: onGrid(start), end: onGrid(end) };
}
