import { beijingDay } from '../beijing.ts';
import type { Instant, Milliseconds } from '../time.ts';

const units: Readonly<Record<string, Milliseconds>> = {
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};

const day: Milliseconds = 86_400_000;

/**
 * An instant that is said from now: `now`, `today` and `yesterday` (Beijing days), or so long ago, such as `-7d` or `-90m`.
 * @returns `undefined` where the text says no such thing
 */
export function relativeInstant(text: string, now: Instant): Instant | undefined {
  const word = text.trim().toLowerCase();
  if (word === 'now') return now;
  if (word === 'today') return beijingDay(now);
  if (word === 'yesterday') return beijingDay(now) - day;
  const [, number, unit = ''] = /^-(\d{1,6}(?:\.\d{1,3})?)([mhdw])$/.exec(word) ?? [];
  const length = units[unit];
  return number === undefined || length === undefined ? undefined : now - Number(number) * length;
}
