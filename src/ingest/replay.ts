import { type Answer, type AnsweredRow, type Asked, decodeAnswer } from '../api/decode.ts';
import { ApiFailure } from '../api/failure.ts';
import { answerFromPart } from '../api/parts.ts';
import { type Catalogue, isTagCode, isToken, windowLength } from '../catalog/index.ts';
import type { Clock } from '../clock.ts';
import { observedFrom } from '../planning/windows.ts';
import {
  type QuarantineEntry,
  type QuarantineFilter,
  type Resolution,
  readQuarantine,
  resolveEntry,
  writeRejects,
} from '../store/answers/quarantine.ts';
import { readRow } from '../store/answers/rows.ts';
import { lockTokens, writeAnswer } from '../store/answers/write.ts';
import type { Database, Transaction } from '../store/connection/database.ts';

/**
 * Reads quarantined things again with the program as it is now, after a fix in the decoder or a new metric in the
 * catalogue, without asking the API.
 */

export interface ReplayOptions {
  readonly database: Database;
  readonly clock: Clock;
  readonly settleDelay: number;
  readonly lookbackWindows: number;
  readonly filter: QuarantineFilter;
  readonly signal?: AbortSignal | undefined;
}

/** How many entries became what, and how many values that brought. */
export interface ReplayTally {
  readonly replayed: number;
  readonly superseded: number;
  /** Still cannot be stored. */
  readonly left: number;
  readonly values: number;
}

const batch = 500;

export async function replayQuarantine(options: ReplayOptions): Promise<ReplayTally> {
  const tally = { replayed: 0, superseded: 0, left: 0, values: 0 };
  let after = 0;
  for (;;) {
    const entries = await readQuarantine(options.database, { ...options.filter, after }, batch);
    for (const entry of entries) {
      if (options.signal?.aborted === true) return tally;
      after = entry.id;
      const { resolution, values } = await replayEntry(entry, options);
      tally[resolution ?? 'left']++;
      tally.values += values;
    }
    if (entries.length < batch) return tally;
  }
}

interface Replayed {
  readonly resolution: Exclude<Resolution, 'dismissed'> | undefined;
  readonly values: number;
}

const stillUnreadable: Replayed = { resolution: undefined, values: 0 };

async function replayEntry(entry: QuarantineEntry, options: ReplayOptions): Promise<Replayed> {
  const { database, clock } = options;
  const asked = questionBehind(entry, database.catalogue);
  const answer = asked === undefined ? undefined : decodeEntry(entry, asked, database.catalogue);
  if (asked === undefined || answer === undefined) return stillUnreadable;
  const rows = answer.rows.filter(({ values }) => values.some((value) => value !== null));
  if (rows.length === 0 && answer.tags.length === 0) return stillUnreadable;
  return database.transaction(async (tx) => {
    await lockTokens(database, [asked], tx);
    let values = answer.tags.length;
    for (const row of rows) {
      const missing = await withoutPresent(database, asked, row, tx);
      const count = missing.values.filter((value) => value !== null).length;
      if (count > 0) await writePart(asked, { ...answer, rows: [missing], tags: [] }, options, tx);
      values += count;
    }
    if (answer.tags.length > 0) await writePart(asked, { ...answer, rows: [] }, options, tx);
    // What is left of it stays in quarantine as smaller parts.
    await writeRejects(database, asked.granularity, answer.rejects, clock.now(), entry.request?.id, tx);
    const resolution = values > 0 ? 'replayed' : 'superseded';
    await resolveEntry(database, entry.id, resolution, clock.now(), tx);
    return { resolution, values };
  });
}

/**
 * What had been asked, as far as it concerns the entry. A code that nobody knew then was not asked for, but was sent;
 * now that the catalogue has it, it counts as asked for.
 */
function questionBehind(
  { granularity, token, time, metric, reason, request }: QuarantineEntry,
  catalogue: Catalogue,
): Asked | undefined {
  const known = request?.metrics ?? [];
  const codes =
    metric !== null && (request === null || reason.startsWith('unknown')) ? [...known, metric] : known;
  const tokens =
    token === null
      ? (request?.tokens ?? [])
      : [token].filter((each) => request?.tokens.includes(each) ?? true);
  const start = request?.from ?? time;
  const end = request?.to ?? (time === null ? null : time + windowLength[granularity]);
  if (start === null || end === null || tokens.length === 0) return undefined;
  return {
    granularity,
    tokens: tokens.filter(isToken),
    metrics: codes.filter((code) => catalogue.has(code)),
    tags: codes.filter(isTagCode),
    interval: { start, end },
  };
}

/** @returns `undefined` where the entry cannot be read any better than before */
function decodeEntry(
  { part, raw, token, time }: QuarantineEntry,
  asked: Asked,
  catalogue: Catalogue,
): Answer | undefined {
  if (part === null) return undefined;
  let parsed: unknown;
  try {
    parsed = JSON.parse(raw);
  } catch {
    // Too long to be kept whole.
    return undefined;
  }
  const where = { token: token !== null && isToken(token) ? token : undefined, time: time ?? undefined };
  try {
    return decodeAnswer(answerFromPart(part, parsed, where), asked, catalogue);
  } catch (error) {
    if (error instanceof ApiFailure) return undefined;
    throw error;
  }
}

/** What the API has said of a cell since then counts for more. */
async function withoutPresent(
  database: Database,
  { granularity }: Asked,
  row: AnsweredRow,
  tx: Transaction,
): Promise<AnsweredRow> {
  const stored = await readRow(database, granularity, row.token, row.time, tx);
  return {
    ...row,
    values: row.values.map((value, position) => ((stored?.[position] ?? null) === null ? value : null)),
  };
}

/** Stores one row, or tags, as the answer to exactly that. */
async function writePart(asked: Asked, part: Answer, options: ReplayOptions, tx: Transaction): Promise<void> {
  const { database, clock } = options;
  const { catalogue } = database;
  const { granularity, interval } = asked;
  const [row] = part.rows;
  const now = clock.now();
  await writeAnswer(
    database,
    {
      request: {
        granularity,
        tokens: row === undefined ? [...new Set(part.tags.map(({ token }) => token))] : [row.token],
        metrics:
          row === undefined ? [] : catalogue.codes.filter((_, position) => row.values[position] !== null),
        tags: [...new Set(part.tags.map(({ tag }) => tag))],
        interval:
          row === undefined ? interval : { start: row.time, end: row.time + windowLength[granularity] },
      },
      rows: part.rows,
      tags: part.tags,
      rejects: [],
      receivedAt: now,
      observedFrom: observedFrom(granularity, now, options),
      log: undefined,
    },
    tx,
  );
}
