import type { Answer } from '../api/decode.ts';
import type { Token } from '../catalog/index.ts';
import type { PackingRules } from '../planning/packing.ts';
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
  { limit, unit }: Pick<PackingRules, 'limit' | 'unit'>,
): boolean {
  if (answer.absentCells === 0) return false;
  const isRound = [answer.values, answer.windows].some((count) => count > 0 && count % roundNumber === 0);
  if (isRound && (isCutInOne(request, answer) || isCutBetween(request, answer))) return true;
  const [counted, other] =
    unit === 'value' ? [answer.values, answer.windows] : [answer.windows, answer.values];
  const step = codesOf(request).length;
  return counted >= limit || (other <= limit && other > limit - step);
}

/** A limit that an answer shows. */
export interface ShownLimit {
  readonly limit: number;
  readonly unit: RecordUnit;
}

/**
 * The limit below the known one at which an answer was cut within a token: a round number. Where rows are counted, but as
 * many values as the limit came, values are what the API counts.
 */
export function lowerLimitOf(
  request: DataRequest,
  answer: Answer,
  { limit, unit }: Pick<PackingRules, 'limit' | 'unit'>,
): ShownLimit | undefined {
  const { values, windows, absentCells } = answer;
  if (absentCells === 0 || !isCutInOne(request, answer)) return undefined;
  const isLimit = (count: number, most: number) => count > 0 && count % roundNumber === 0 && count <= most;
  if (unit === 'value') return isLimit(values, limit - 1) ? { limit: values, unit } : undefined;
  if (isLimit(values, limit)) return { limit: values, unit: 'value' };
  return isLimit(windows, limit - 1) ? { limit: windows, unit } : undefined;
}

function windowsPerToken({ rows }: Answer): ReadonlyMap<Token, number> {
  const counts = new Map<Token, number>();
  for (const { token } of rows) counts.set(token, (counts.get(token) ?? 0) + 1);
  return counts;
}

/** Whether exactly one token has values in some of the windows that others have, and not in all. */
function isCutInOne(request: DataRequest, answer: Answer): boolean {
  const windows = windowCount(request.granularity, request.interval);
  return [...windowsPerToken(answer).values()].filter((count) => count < windows).length === 1;
}

/** Whether some tokens have everything and the others nothing. */
function isCutBetween(request: DataRequest, answer: Answer): boolean {
  const cells = windowCount(request.granularity, request.interval) * request.metrics.length;
  const present = windowsPerToken(answer).size;
  return present < request.tokens.length && answer.values === present * cells;
}
