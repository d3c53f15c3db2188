import type { Instant, Milliseconds } from './time.ts';

/**
 * The API thinks in Beijing time: UTC+8 all year, no daylight saving (API page, "All time fields must use the
 * current Beijing time"). Inside the program an instant is an `Instant`; these functions stand at the border.
 */

/** Beijing is ahead of UTC by it. */
export const beijingOffset: Milliseconds = 8 * 3_600_000;
const day: Milliseconds = 86_400_000;

/** `yyyy-MM-dd HH:mm:ss` in Beijing. */
export function formatBeijing(instant: Instant): string {
  return new Date(instant + beijingOffset).toISOString().slice(0, 19).replace('T', ' ');
}

/** `yyyy-MM-dd` in Beijing. */
export function formatBeijingDate(instant: Instant): string {
  return formatBeijing(instant).slice(0, 10);
}

const pattern = /^(\d{4}-\d{2}-\d{2})(?:[ T](\d{2}):(\d{2})(?::(\d{2})(?:\.0+)?)?)?$/;

/** The date that was read last: windows follow one another, so the next one mostly has the same. */
let lastDate: { readonly text: string; readonly midnight: Instant | undefined } | undefined;

/** Midnight in UTC of a date `yyyy-MM-dd`; `undefined` where there is no such day. */
function midnightOf(text: string): Instant | undefined {
  if (lastDate?.text === text) return lastDate.midnight;
  const midnight = Date.UTC(Number(text.slice(0, 4)), Number(text.slice(5, 7)) - 1, Number(text.slice(8)));
  // Date.UTC rolls over what does not exist (31 June, the year 25): only a day that reads the same is meant.
  const exists = new Date(midnight).toISOString().startsWith(text);
  lastDate = { text, midnight: exists ? midnight : undefined };
  return lastDate.midnight;
}

/**
 * Reads `yyyy-MM-dd HH:mm:ss`, `yyyy-MM-dd HH:mm` or `yyyy-MM-dd` as Beijing time.
 * @returns the instant, or `undefined` where the text is no date that exists.
 */
export function parseBeijing(text: string): Instant | undefined {
  const match = pattern.exec(text.trim());
  if (match === null) return undefined;
  const [, date = '', hour = 0, minute = 0, second = 0] = match;
  if (Number(hour) > 23 || Number(minute) > 59 || Number(second) > 59) return undefined;
  const midnight = midnightOf(date);
  if (midnight === undefined) return undefined;
  return midnight + ((Number(hour) * 60 + Number(minute)) * 60 + Number(second)) * 1000 - beijingOffset;
}

/** Start of the Beijing day that holds the instant. */
export function beijingDay(instant: Instant): Instant {
  return Math.floor((instant + beijingOffset) / day) * day - beijingOffset;
}
