import type { Answer } from '../api/decode.ts';
import type { Token } from '../catalog/index.ts';
import type { DataRequest, RecordUnit } from '../planning/request.ts';
import { windowCount } from '../planning/windows.ts';
import { codesOf } from './splitting.ts';

/** A limit that nobody has told us of would be a round number: a multiple of this. */
const roundNumber = 500;

/**
 * Whether the answer ends where the API stops counting and lacks cells that were asked for. The page does not say what the
 * API counts, so an answer of exactly the limit by the other unit is suspect, too.
 */
export function isCutShort(
  request: DataRequest,
  answer: Answer,
  rules: { readonly recordLimit: number; readonly recordUnit: RecordUnit },
): boolean {
  const { recordLimit, recordUnit } = rules;
  if (answer.absentCells === 0) return false;
  if (roundLimitOf(request, answer) !== undefined) return true;
  const [counted, other] =
    recordUnit === 'value' ? [answer.values, answer.windows] : [answer.windows, answer.values];
  const step = codesOf(request).length;
  return counted >= recordLimit || (other <= recordLimit && other > recordLimit - step);
}

/** The round number of values at which an answer was cut within a token; `undefined` where nothing shows that. */
function roundLimitOf(request: DataRequest, answer: Answer): number | undefined {
  const { values, absentCells } = answer;
  if (absentCells === 0 || values === 0 || values % roundNumber !== 0) return undefined;
  return isCutInOne(request, answer) ? values : undefined;
}

/** Whether exactly one token has values in some of the windows that others have, and not in all. */
function isCutInOne(request: DataRequest, { rows }: Answer): boolean {
  const windows = windowCount(request.granularity, request.interval);
  const perToken = new Map<Token, number>();
  for (const { token } of rows) perToken.set(token, (perToken.get(token) ?? 0) + 1);
  return [...perToken.values()].filter((count) => count < windows).length === 1;
}
