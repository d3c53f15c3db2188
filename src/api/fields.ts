import { parseBeijing } from '../beijing.ts';
import type { Instant } from '../time.ts';
import type { Json } from './json.ts';
import { isDecimal, keepsDigits } from './numbers.ts';

/** Reads single fields of an answer, none of which is trusted. */

/** The first text under any of the names. */
export function firstText(entry: Json, names: readonly string[]): string | undefined {
  for (const name of names) {
    const value = entry[name];
    if (typeof value === 'string' && value !== '') return value;
  }
  return undefined;
}

/** Start of a window, which comes as Beijing time. */
export function startOf({ startTime }: Json): Instant | undefined {
  return typeof startTime === 'string' ? parseBeijing(startTime) : undefined;
}

/** @returns the list, an empty one for nothing, `undefined` for what is neither */
export function listOf(value: unknown): readonly unknown[] | undefined {
  if (value === undefined || value === null) return [];
  return Array.isArray(value) ? value : undefined;
}

/** PostgreSQL's text holds neither NUL nor half a surrogate pair. */
export function isStorable(text: string): boolean {
  return !text.includes('\0') && text.isWellFormed();
}

/** Why a value is no number that can be kept. */
type NoNumber = 'no finite number' | 'more digits than can be kept';

/** @returns the number, `null` for 'no value yet', or why it is neither */
export function readNumber(value: unknown): number | null | NoNumber {
  if (value === null || value === undefined) return null;
  if (typeof value === 'number') return Number.isFinite(value) ? value : 'no finite number';
  if (typeof value !== 'string') return 'no finite number';
  const text = value.trim();
  if (text === '') return null;
  const number = Number(text);
  if (!Number.isFinite(number) || !isDecimal(text)) return 'no finite number';
  return keepsDigits(text, number) ? number : 'more digits than can be kept';
}
