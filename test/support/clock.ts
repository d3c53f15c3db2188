import type { Clock } from '../../src/clock.ts';

/** A clock that stands still until it is set. */
export class ManualClock implements Clock {
  #now: number;

  constructor(now: number | string) {
    this.#now = typeof now === 'number' ? now : Date.parse(now);
  }

  now(): number {
    return this.#now;
  }

  advance(milliseconds: number): void {
    this.#now += milliseconds;
  }
}

export const minute = 60_000;
export const hour = 60 * minute;
export const day = 24 * hour;
