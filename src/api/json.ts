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
 * @throws ApiFailure (`transient`) where the text has too many parts or is nested deeper than 64 levels, SyntaxError where it
 *   is no JSON
 */
export function parseJson(text: string, code: number): unknown {
  if (hasTooManyParts(text)) {
    throw new ApiFailure('transient', `the answer has more than ${mostParts} parts`, { code });
  }
  const json = text.startsWith(byteOrderMark) ? text.slice(byteOrderMark.length) : text;
  const value: unknown = JSON.parse(json);
  const content = survey(value);
  if (content === 'too deep') throw new ApiFailure('transient', 'the answer is nested too deep', { code });
  // The API sends values as texts: most answers hold no number, and are not searched for one that was rounded.
  if (content === 'no numbers') return value;
  const exact = withExactNumbers(json);
  return exact === json ? value : JSON.parse(exact);
}

/**
 * Far more levels than any answer has. `JSON.parse` reads what is nested so deep that walking or writing it again would
 * overflow the stack.
 */
const deepest = 64;

type Content = 'too deep' | 'numbers' | 'no numbers';

/** Looks for numbers, but for an envelope's code, which is a small one, and for what is nested too deep. */
function survey(value: unknown, levelsLeft = deepest): Content {
  if (typeof value !== 'object') return typeof value === 'number' ? 'numbers' : 'no numbers';
  if (value === null) return 'no numbers';
  if (levelsLeft === 0) return 'too deep';
  let found: Content = 'no numbers';
  // Spelled out: this runs over every value of every answer, and `Object.values()` takes many times as long.
  if (Array.isArray(value)) {
    for (const item of value) {
      const content = survey(item, levelsLeft - 1);
      if (content === 'too deep') return content;
      if (content === 'numbers') found = content;
    }
    return found;
  }
  const fields = value as Json;
  for (const name in fields) {
    const content = survey(fields[name], levelsLeft - 1);
    if (content === 'too deep') return content;
    if (content === 'numbers' && !(levelsLeft === deepest && name === 'code')) found = content;
  }
  return found;
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
