import { beijingDay } from '../beijing.ts';
import type { Instant, Milliseconds } from '../time.ts';

/** When the pipeline comes back to what it has asked before: said once, for the tasks and for whoever tells of them. */

/** When what failed is planned again: in each so many minutes, at this minute and second. */
export const healAt = { every: 5, minute: 2, second: 45 } as const;

/** The next time at which what failed is planned again. */
export function nextHeal(now: Instant): Instant {
  const period = healAt.every * 60_000;
  const offset = (healAt.minute * 60 + healAt.second) * 1000;
  return Math.floor((now - offset) / period + 1) * period + offset;
}

/** When empty answers are asked for again, once a day, on the Beijing clock. */
export const recheckAt = { hour: 4, minute: 40, second: 50 } as const;

const day: Milliseconds = 86_400_000;

/** The next time at which empty answers are asked for again. */
export function nextRecheck(now: Instant): Instant {
  const { hour, minute, second } = recheckAt;
  const today = beijingDay(now) + ((hour * 60 + minute) * 60 + second) * 1000;
  return today > now ? today : today + day;
}

/**
 * When a window that has an answer is asked for again by the look-back: at each tick, as long as it is among the newest.
 *
 * @param dueAt when the window was due
 * @param length of a window
 * @returns the next tick after `now`, and the last one; `undefined` where there is none
 */
export function nextLookback(
  dueAt: Instant,
  length: Milliseconds,
  lookbackWindows: number,
  now: Instant,
): { readonly next: Instant; readonly last: Instant } | undefined {
  const last = dueAt + (lookbackWindows - 1) * length;
  const next = dueAt + Math.max(1, Math.floor((now - dueAt) / length) + 1) * length;
  return next <= last ? { next, last } : undefined;
}
