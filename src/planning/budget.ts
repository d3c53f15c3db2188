import { type Granularity, windowLength } from '../catalog/index.ts';
import type { Instant, Milliseconds } from '../time.ts';
import type { Lane } from './lanes.ts';
import type { RecordUnit } from './request.ts';

/** How the calls of a day are divided among the lanes, so that history never takes what the newest windows need. */

const day: Milliseconds = 86_400_000;

/** Retries, split requests and new tokens: what the newest windows may need beyond the plain sum. */
const slack = 1.2;

export interface DailyNeed {
  /** Calls for the newest windows of a whole day. */
  readonly live: number;
  /** Calls that ask for the look-back's windows again, of a whole day. */
  readonly lookback: number;
}

/** What a running pipeline fetches of each window. */
export interface DailyWork {
  readonly granularities: readonly Granularity[];
  /** How many tokens have windows of a granularity. */
  readonly tokensIn: (granularity: Granularity) => number;
  readonly metrics: number;
  readonly lookbackWindows: number;
  readonly recordLimit: number;
  readonly recordUnit: RecordUnit;
}

/** Calls that a whole day of the running pipeline takes, as planned. */
export function dailyCalls(desired: DailyWork): DailyNeed {
  const { granularities, tokensIn, metrics, lookbackWindows, recordLimit, recordUnit } = desired;
  const callsFor = (windows: number) =>
    granularities.reduce((sum, granularity) => {
      const records = tokensIn(granularity) * windows * (recordUnit === 'row' ? 1 : metrics);
      return sum + (day / windowLength[granularity]) * Math.ceil(records / recordLimit);
    }, 0);
  return { live: callsFor(1), lookback: callsFor(lookbackWindows) };
}

/** {@link dailyCalls} with some slack. */
export function dailyNeed(desired: DailyWork): DailyNeed {
  const { live, lookback } = dailyCalls(desired);
  return { live: Math.ceil(slack * live), lookback: Math.ceil(slack * lookback) };
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
    case 'audit':
      return need.live + need.lookback;
  }
}

/**
 * When a lane that may send no more may send its next call, should nobody else send any: its reserve for the lanes
 * before it shrinks as the day passes.
 *
 * @param reserve calls of a whole day that the lane leaves
 * @param used calls that were sent today
 * @param tomorrow start of the next Beijing day
 */
export function nextAffordableAt(
  requestsPerDay: number,
  reserve: number,
  used: number,
  tomorrow: Instant,
): Instant {
  const partLeft = (free: number) => (reserve === 0 ? 1 : Math.min(1, free / reserve));
  const freeToday = requestsPerDay - used - 1;
  if (freeToday >= 0) return tomorrow - day * partLeft(freeToday);
  return tomorrow + day * (1 - partLeft(requestsPerDay - 1));
}

/** The calls that history may send, as of an instant. */
export interface HistoryBudget {
  /** Calls that history may still send today, if the lanes before it send what is kept for them. */
  readonly today: number;
  /** Calls of any later day. */
  readonly perDay: number;
  /** Seconds until the next day begins. */
  readonly untilTomorrow: number;
}

/**
 * The same arithmetic as the rate limiter's: what is kept for the lanes before history shrinks as the day passes.
 *
 * @param partLeft of the Beijing day, 0 to 1
 */
export function historyBudget(
  requestsPerDay: number,
  need: DailyNeed,
  sentToday: number,
  partLeft: number,
): HistoryBudget {
  const reserve = reserveOf('history', need);
  return {
    today: Math.max(0, Math.floor(requestsPerDay - sentToday - reserve * partLeft)),
    perDay: Math.max(0, Math.floor(requestsPerDay - reserve)),
    untilTomorrow: (partLeft * day) / 1000,
  };
}

/**
 * Seconds that so many calls of history take.
 *
 * @param rate calls a second
 * @param budget `undefined`: as many a day as the rate allows
 * @returns `undefined` where no day leaves anything for history
 */
export function durationOf(
  requests: number,
  rate: number,
  budget: HistoryBudget | undefined,
): number | undefined {
  if (budget === undefined || requests <= budget.today) return requests / rate;
  if (budget.perDay === 0) return undefined;
  const rest = requests - budget.today;
  const wholeDays = Math.ceil(rest / budget.perDay) - 1;
  const seconds = budget.untilTomorrow + wholeDays * 86_400 + (rest - wholeDays * budget.perDay) / rate;
  return Math.max(seconds, requests / rate);
}
