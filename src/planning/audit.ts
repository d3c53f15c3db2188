import { type Granularity, windowLength } from '../catalog/index.ts';
import type { Milliseconds } from '../time.ts';
import type { Interval } from './interval.ts';
import { windowCount } from './windows.ts';

/** Which settled windows the audit asks for once more: of random age, the young ones as often as the old. */

/** A number from 0 up to 1, 1 not included. */
export type Random = () => number;

const day: Milliseconds = 86_400_000;

/** Where one class of ages ends and the next begins; each is drawn as often as the others. */
export const ageLimits: readonly Milliseconds[] = [1, 7, 30, 90, 365].map((days) => days * day);

/** Calls of the audit that are due in this hour. @param partOfDay how much of the Beijing day has passed, 0 to 1 */
export function auditsDue(perDay: number, partOfDay: number, sentToday: number): number {
  const hoursBegun = Math.min(24, Math.floor(partOfDay * 24) + 1);
  return Math.max(0, Math.ceil((perDay * hoursBegun) / 24) - sentToday);
}

/**
 * A window of random age: first a class of ages is drawn, then one of its windows.
 *
 * @param settled windows that the look-back asks for no more, on the grid; ages are counted back from its end
 * @returns `undefined` where there are none
 */
export function drawWindow(
  granularity: Granularity,
  settled: Interval,
  random: Random,
): Interval | undefined {
  const classes = [0, ...ageLimits]
    .map((youngest, place) => {
      const oldest = ageLimits[place] ?? Number.POSITIVE_INFINITY;
      return withinAges(granularity, settled, youngest, oldest);
    })
    .filter((interval) => windowCount(granularity, interval) > 0);
  const chosen = classes[Math.floor(random() * classes.length)];
  if (chosen === undefined) return undefined;
  const length = windowLength[granularity];
  const start = chosen.start + Math.floor(random() * windowCount(granularity, chosen)) * length;
  return { start, end: start + length };
}

/** Windows that end at least `youngest` and less than `oldest` before the end. */
function withinAges(
  granularity: Granularity,
  { start, end }: Interval,
  youngest: Milliseconds,
  oldest: Milliseconds,
): Interval {
  const length = windowLength[granularity];
  const before = (age: Milliseconds) =>
    age === Number.POSITIVE_INFINITY ? start : Math.max(start, end - Math.ceil(age / length) * length);
  return { start: before(oldest), end: before(youngest) };
}

/** The items in random order. */
export function shuffled<T>(items: readonly T[], random: Random): T[] {
  const mixed = [...items];
  for (let place = mixed.length - 1; place > 0; place--) {
    const other = Math.floor(random() * (place + 1));
    const [a, b] = [mixed[place], mixed[other]];
    if (a === undefined || b === undefined) continue;
    [mixed[place], mixed[other]] = [b, a];
  }
  return mixed;
}
