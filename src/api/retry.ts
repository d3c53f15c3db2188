import type { Instant, Milliseconds } from '../time.ts';

/** How often and how patiently a call is repeated. */
export interface RetryPolicy {
  /** Calls in all, the first included. */
  readonly attempts: number;
  readonly firstDelay: Milliseconds;
  readonly longestDelay: Milliseconds;
}

export const defaultRetryPolicy: RetryPolicy = { attempts: 5, firstDelay: 500, longestDelay: 30_000 };

/**
 * Exponential backoff with full jitter: anything between nothing and the doubled delay, so that many clients that
 * failed together do not return together. A wait that the API named is kept and only lengthened.
 *
 * @param attempt how many calls have failed, from 1
 * @param random a number in 0..1
 */
export function backoff(
  policy: RetryPolicy,
  attempt: number,
  retryAfter: Milliseconds | undefined,
  random: number,
): Milliseconds {
  const ceiling = Math.min(policy.longestDelay, policy.firstDelay * 2 ** (attempt - 1));
  const jittered = ceiling * random;
  return retryAfter === undefined ? jittered : retryAfter + policy.firstDelay * random;
}

/** Longest that a `Retry-After` is obeyed; beyond it the next plan asks again. */
const longestRetryAfter = 120_000;

/**
 * Reads `Retry-After`: seconds or an HTTP date.
 * @returns milliseconds from `now`, two minutes at most, or `undefined` where there is none that can be understood
 */
export function parseRetryAfter(header: string | null, now: Instant): Milliseconds | undefined {
  if (header === null || header.trim() === '') return undefined;
  const seconds = Number(header);
  const wait = Number.isFinite(seconds) ? seconds * 1000 : Date.parse(header) - now;
  return Number.isNaN(wait) ? undefined : Math.min(longestRetryAfter, Math.max(0, wait));
}
