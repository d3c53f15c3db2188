import { formatBeijing } from '../beijing.ts';
import type { Token } from '../catalog/index.ts';
import type { Instant } from '../time.ts';
import type { AnswerPart } from './decode.ts';
import { windowLists } from './dialect.ts';

/** Any of the names will do: the decoder reads them all. */
const [windows] = windowLists;

/**
 * A part of an answer, dressed as an answer of its own, so that it can be decoded again.
 *
 * @param where what the part's surroundings said: its token, and the start of its window
 * @returns `undefined` where the surroundings are not known well enough
 */
export function answerFromPart(
  part: AnswerPart,
  raw: unknown,
  where: { readonly token: Token | undefined; readonly time: Instant | undefined },
): unknown {
  if (part === 'entry') return [raw];
  const { token, time } = where;
  if (token === undefined) return undefined;
  switch (part) {
    case 'window':
      return [{ token, [windows]: [raw] }];
    case 'tag':
      return [{ token, tags: [raw] }];
    case 'value':
      return time === undefined
        ? undefined
        : [{ token, [windows]: [{ startTime: formatBeijing(time), data: [raw] }] }];
  }
}
