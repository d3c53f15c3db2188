import type { Instant } from './time.ts';

/** Where the program gets the time from, so that a test can hand in another one. */
export interface Clock {
  now(): Instant;
}

export const systemClock: Clock = { now: () => Date.now() };
