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
  return JSON.parse(
    withExactNumbers(text.startsWith(byteOrderMark) ? text.slice(byteOrderMark.length) : text),
  );
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
