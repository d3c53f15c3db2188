import { type Granularity, windowLength } from '../catalog/index.ts';
import type { Lane } from './lanes.ts';
import type { RecordUnit } from './request.ts';

/** How the calls of a day are divided among the lanes, so that history never takes what the newest windows need. */

const day = 86_400_000;

/** Retries, split requests and new tokens: what the newest windows may need beyond the plain sum. */
const slack = 1.2;

export interface DailyNeed {
  /** Calls for the newest windows of a whole day. */
  readonly live: number;
  /** Calls that ask for the look-back's windows again, of a whole day. */
  readonly lookback: number;
}

/** Calls that a whole day of the running pipeline takes, with some slack. */
export function dailyNeed(wishes: {
  readonly granularities: readonly Granularity[];
  /** How many tokens have windows of a granularity. */
  readonly tokensIn: (granularity: Granularity) => number;
  readonly metrics: number;
  readonly lookbackWindows: number;
  readonly recordLimit: number;
  readonly recordUnit: RecordUnit;
}): DailyNeed {
  const { granularities, tokensIn, metrics, lookbackWindows, recordLimit, recordUnit } = wishes;
  const callsFor = (windows: number) =>
    granularities.reduce((sum, granularity) => {
      const records = tokensIn(granularity) * windows * (recordUnit === 'row' ? 1 : metrics);
      return sum + (day / windowLength[granularity]) * Math.ceil(records / recordLimit);
    }, 0);
  return { live: Math.ceil(slack * callsFor(1)), lookback: Math.ceil(slack * callsFor(lookbackWindows)) };
}

/** Calls of a whole day that a lane leaves to the lanes before it. */
export function reserveOf(lane: Lane, need: DailyNeed): number {
  switch (lane) {
    case 'live':
      return 0;
    case 'repair':
    case 'lookback':
      return need.live;
    case 'history':
      return need.live + need.lookback;
  }
}
