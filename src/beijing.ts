import type { Instant, Milliseconds } from './time.ts';

/**
 * The API thinks in Beijing time: UTC+8 all year, no daylight saving (API page, "All time fields must use the
 * current Beijing time"). Inside the program an instant is an `Instant`; these functions stand at the border.
 */

const offset: Milliseconds = 8 * 3_600_000;
const day: Milliseconds = 86_400_000;

/** `yyyy-MM-dd HH:mm:ss` in Beijing. */
export function formatBeijing(instant: Instant): string {
  return new Date(instant + offset).toISOString().slice(0, 19).replace('T', ' ');
}

/** `yyyy-MM-dd` in Beijing. */
export function formatBeijingDate(instant: Instant): string {
  return formatBeijing(instant).slice(0, 10);
}

const pattern = /^(\d{4})-(\d{2})-(\d{2})(?:[ T](\d{2}):(\d{2})(?::(\d{2})(?:\.0+)?)?)?$/;

/**
 * Reads `yyyy-MM-dd HH:mm:ss`, `yyyy-MM-dd HH:mm` or `yyyy-MM-dd` as Beijing time.
 * @returns the instant, or `undefined` where the text is no date that exists.
 */
export function parseBeijing(text: string): Instant | undefined {
  const match = pattern.exec(text.trim());
  if (match === null) return undefined;
  const [year = 0, month = 0, date = 0, hour = 0, minute = 0, second = 0] = match
    .slice(1)
    .map((part) => Number(part ?? 0));
  const wallClock = Date.UTC(year, month - 1, date, hour, minute, second);
  // Date.UTC rolls over what does not exist (31 June, 25:00): only an instant that reads the same is meant.
  const parts = new Date(wallClock);
  const exists =
    parts.getUTCFullYear() === year &&
    parts.getUTCMonth() === month - 1 &&
    parts.getUTCDate() === date &&
    parts.getUTCHours() === hour &&
    parts.getUTCMinutes() === minute &&
    parts.getUTCSeconds() === second;
  return exists ? wallClock - offset : undefined;
}

/** Start of the Beijing day that holds the instant. */
export function beijingDay(instant: Instant): Instant {
  return Math.floor((instant + offset) / day) * day - offset;
}
