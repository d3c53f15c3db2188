import type { Answer, Asked, RejectReason } from '../../src/api/decode.ts';
import { ApiFailure, type FailureKind } from '../../src/api/failure.ts';
import { metricCodes } from '../../src/catalog/index.ts';
import { lengthOf } from '../planning/arbitraries.ts';

/** What holds for every answer and every failure, whatever was sent. Plain comparisons: they run a million times. */

const kinds: ReadonlySet<string> = new Set<FailureKind>([
  'bad-request',
  'access-denied',
  'no-data',
  'metric-refused',
  'throttled',
  'transient',
]);

const reasons: ReadonlySet<string> = new Set<RejectReason>([
  'malformed',
  'no finite number',
  'more digits than can be kept',
  'impossible value',
  'unknown metric',
  'metric not asked for',
  'unknown tag',
  'token not asked for',
  'window off the grid',
  'second value',
]);

/** Fit for a log and a text column: whole characters on one line. */
const isOneLine = (text: string) => text.isWellFormed() && !/[\p{Cc}\u2028\u2029]/u.test(text);

/** Gives the failure that was thrown. @throws whatever was thrown and is none, or is not as failures are */
export function asFailure(error: unknown): ApiFailure {
  if (!(error instanceof ApiFailure)) throw error;
  const { kind, code, retryAfter, message } = error;
  const isSound =
    kinds.has(kind) &&
    (code === undefined || code === (code | 0)) &&
    (retryAfter === undefined || (retryAfter >= 0 && retryAfter <= 120_000)) &&
    message !== '' &&
    message.length < 1000 &&
    isOneLine(message);
  if (!isSound) throw new Error(`an odd failure: ${JSON.stringify({ kind, code, retryAfter, message })}`);
  return error;
}

/** What is wrong with an answer, given what was asked; nothing, it is hoped. */
export function wrongWith(asked: Asked, answer: Answer): string[] {
  const { tokens, metrics, tags, granularity, interval } = asked;
  const { rows, rejects, values, windows, absentCells } = answer;
  const length = lengthOf[granularity];
  const wrong: string[] = [];
  const keys = new Set<string>();
  let present = 0;
  for (const { token, time, values: row } of rows) {
    keys.add(`${time} ${token}`);
    if (!tokens.includes(token)) wrong.push(`a row for the token ${token}`);
    if (time < interval.start || time >= interval.end || (time - interval.start) % length !== 0)
      wrong.push(`a row at ${time}`);
    if (row.length !== metricCodes.length) wrong.push(`a row of ${row.length} values`);
    for (const [position, value] of row.entries()) {
      if (value === null) continue;
      present++;
      if (!Number.isFinite(value)) wrong.push(`the value ${value}`);
      if (!metrics.some((metric) => metric === metricCodes[position])) wrong.push(`a value at ${position}`);
    }
  }
  if (keys.size !== rows.length) wrong.push('a row twice');
  for (const { token, tag, value } of answer.tags) {
    if (!tokens.includes(token) || !tags.includes(tag)) wrong.push(`the tag ${tag} of ${token}`);
    if (value === '' || !value.isWellFormed() || value.includes('\0')) wrong.push(`the tag's value ${value}`);
  }
  if (new Set(answer.tags.map(({ token, tag }) => `${token} ${tag}`)).size !== answer.tags.length)
    wrong.push('a tag twice');
  for (const { reason, time } of rejects) {
    if (!reasons.has(reason)) wrong.push(`the reason ${reason}`);
    if (time !== undefined && !Number.isSafeInteger(time)) wrong.push(`a reject at ${time}`);
  }
  const cells = tokens.length * metrics.length * ((interval.end - interval.start) / length);
  const seen = cells - absentCells;
  if (!Number.isSafeInteger(absentCells) || absentCells < 0 || seen < present)
    wrong.push(`${absentCells} absent cells, ${present} with a value`);
  // What was seen and what was rejected value by value was all counted; so was each row, as a window at least.
  const rejectedCells = rejects.filter(({ reason }) => reason === 'no finite number').length;
  const foreign = rejects.filter(({ reason }) => /metric|tag/.test(reason)).length;
  if (!(seen + foreign + answer.tags.length <= values)) wrong.push(`${values} values counted`);
  if (!(rows.length <= windows && rejectedCells <= values)) wrong.push(`${windows} windows counted`);
  return wrong;
}
