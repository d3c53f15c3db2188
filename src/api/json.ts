import { ApiFailure } from './failure.ts';
import { withExactNumbers } from './numbers.ts';

export type Json = Readonly<Record<string, unknown>>;

export function isJson(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * Most lists, objects and further members of an answer. A value has three, so this is more than 20,000 rows of all
 * metrics have, the largest record limit; as memory it is some 200 MB at worst, where 32 MiB of `{},{},…` or `[[[…` take 2 GB.
 */
const mostParts = 1_200_000;

const byteOrderMark = '\ufeff';

/**
 * Reads a text that somebody else wrote. A number that a double would round, or not hold, comes as a text.
 *
 * @param code of the answer that it is part of, for the failure
 * @throws ApiFailure (`transient`) where the text has too many parts, SyntaxError where it is no JSON
 */
export function parseJson(text: string, code: number): unknown {
  if (hasTooManyParts(text)) {
    throw new ApiFailure('transient', `the answer has more than ${mostParts} parts`, { code });
  }
  const json = text.startsWith(byteOrderMark) ? text.slice(byteOrderMark.length) : text;
  const value: unknown = JSON.parse(json);
  // The API sends values as texts: most answers hold no number, and are not searched for one that was rounded.
  if (!holdsNumber(value)) return value;
  const exact = withExactNumbers(json);
  return exact === json ? value : JSON.parse(exact);
}

/** Deeper than any answer that is read; what is deeper counts as holding a number. */
const deepest = 100;

/** Whether there is a number anywhere, but for an envelope's code, which is a small one. */
function holdsNumber(value: unknown, depth = 0): boolean {
  if (typeof value !== 'object') return typeof value === 'number';
  if (value === null) return false;
  if (depth > deepest) return true;
  // Spelled out: this runs over every value of every answer.
  if (Array.isArray(value)) {
    for (const item of value) if (holdsNumber(item, depth + 1)) return true;
    return false;
  }
  const fields = value as Json;
  for (const name in fields) {
    if (holdsNumber(fields[name], depth + 1) && !(depth === 0 && name === 'code')) return true;
  }
  return false;
}

/** Counts the characters that open or divide, also within texts: an answer has next to none there. */
function hasTooManyParts(text: string): boolean {
  if (text.length <= mostParts) return false;
  let parts = 0;
  for (let at = 0; at < text.length; at++) {
    const mark = text[at];
    if (mark === ',' || mark === '[' || mark === '{') parts++;
  }
  return parts > mostParts;
}
