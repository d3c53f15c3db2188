import { sql } from 'drizzle-orm';
import type { AnsweredRow, AnsweredTag, Reject } from '../../api/decode.ts';
import type { Clock } from '../../clock.ts';
import type { DataRequest } from '../../planning/request.ts';
import type { Instant } from '../../time.ts';
import type { Database, Transaction } from '../connection/database.ts';
import { errorCode } from '../connection/errors.ts';
import { type CellSelection, markAnswered } from '../ledger/coverage.ts';
import { forgetRefused } from '../ledger/entitlements.ts';
import { clearSuspects, enterSuspects } from '../ledger/suspects.ts';
import { textArray } from '../schema/sql.ts';
import { announceStored } from './announce.ts';
import { noteWritten } from './quality/index.ts';
import { writeRejects } from './quarantine.ts';
import { logRequests, type RequestLogEntry } from './requests.ts';
import { type WritingRules, type WrittenRows, writeRows } from './rows.ts';
import { writeTags } from './tags.ts';

/** The parts of one answer that are stored. */
export interface AnswerToStore {
  readonly request: DataRequest;
  readonly rows: readonly AnsweredRow[];
  readonly tags: readonly AnsweredTag[];
  readonly rejects: readonly Reject[];
  /** When the answer came. */
  readonly receivedAt: Instant;
  /** Tells from when on the values count as known, once nothing has to be waited for; without it that is when they came. */
  readonly clock?: Clock | undefined;
  /**
   * Windows that started earlier were asked for long after they closed: when they were first seen says nothing about
   * when the market could know them.
   */
  readonly observedFrom: Instant;
  /** Whether the windows asked for are those that were answered; else the request stays a gap. */
  readonly isOnGrid?: boolean;
  /** Whether nothing came where something was to be expected: the request is asked again before that is believed. */
  readonly isDoubted?: boolean;
  /** Number of the order whose own ledger it is entered in, too. */
  readonly refreshOf?: number | undefined;
  /** The call that was answered; `undefined` where it has been logged already. */
  readonly log: Omit<RequestLogEntry, 'rowsWritten'> | undefined;
}

/**
 * Stores an answer whole or not at all: values, revisions, tags, quarantine, coverage and the request log commit
 * together. Storing the same answer again writes nothing but the log.
 */
export async function storeAnswer(database: Database, answer: AnswerToStore): Promise<WrittenRows> {
  const [written = nothingWritten] = await storeAnswers(database, [answer]);
  return written;
}

const nothingWritten: WrittenRows = { rowsWritten: 0, revisions: 0 };

/** PostgreSQL's code for a key that is there already. */
const uniqueViolation = '23505';

/**
 * Stores several answers together, all or none of them, which takes a fraction of the time.
 * @param answers no two of them about the same cells
 * @returns what was written of each
 */
export async function storeAnswers(
  database: Database,
  answers: readonly AnswerToStore[],
): Promise<WrittenRows[]> {
  try {
    return await database.transaction((tx) => writeAnswers(database, answers, { mayBeThere: false }, tx));
  } catch (error) {
    if (errorCode(error) !== uniqueViolation) throw error;
    // Rows are there that the ledger knows nothing of: somebody restored or entered them.
    return database.transaction((tx) => writeAnswers(database, answers, { mayBeThere: true }, tx));
  }
}

/** {@link storeAnswer} within a transaction that does more, about rows that may be there whatever the ledger says. */
export async function writeAnswer(
  database: Database,
  answer: AnswerToStore,
  tx: Transaction,
): Promise<WrittenRows> {
  const [written = nothingWritten] = await writeAnswers(database, [answer], { mayBeThere: true }, tx);
  return written;
}

async function writeAnswers(
  database: Database,
  answers: readonly AnswerToStore[],
  rules: WritingRules,
  tx: Transaction,
): Promise<WrittenRows[]> {
  await lockTokens(
    database,
    answers.map(({ request }) => request),
    tx,
  );
  // An answer may have waited long: for the database, or for another one about the same tokens.
  const timed = answers.map((answer) => ({
    ...answer,
    storedAt: Math.max(answer.receivedAt, answer.clock?.now() ?? answer.receivedAt),
  }));
  const stored = await writeRows(database, timed, rules, tx);
  const changed = answers.filter((_, position) => (stored[position]?.rowsWritten ?? 0) > 0);
  await noteWritten(
    database,
    changed.map(({ request }) => request),
    tx,
  );
  for (const granularity of new Set(changed.map(({ request }) => request.granularity))) {
    await announceStored(database, granularity, tx);
  }
  for (const { tags, request } of answers) await writeTags(database, tags, request.interval.start, tx);
  await enterInLedger(database, answers, tx);
  await enterCalls(database, answers, stored, tx);
  return stored;
}

/** Enters the calls, and with their numbers what of their answers could not be stored. */
async function enterCalls(
  database: Database,
  answers: readonly AnswerToStore[],
  stored: readonly WrittenRows[],
  tx: Transaction,
): Promise<void> {
  const entries = answers.flatMap(({ log }, position) =>
    log === undefined ? [] : [{ ...log, rowsWritten: stored[position]?.rowsWritten ?? 0, position }],
  );
  // Without a call of its own the answer is that there is nothing, which says nothing about the subscription.
  await forgetRefused(
    database,
    answers
      .filter(({ log }) => log !== undefined)
      .map(({ request, receivedAt }) => ({ codes: codesOf(request), receivedAt })),
    tx,
  );
  const ids = await logRequests(
    database,
    entries.map(({ position, ...entry }) => entry),
    tx,
  );
  for (const [position, { request, rejects, receivedAt }] of answers.entries()) {
    const id = ids[entries.findIndex((entry) => entry.position === position)];
    await writeRejects(database, request.granularity, rejects, receivedAt, id, tx);
  }
}

const codesOf = ({ metrics, tags }: DataRequest) => [...metrics, ...tags];

async function enterInLedger(
  database: Database,
  answers: readonly AnswerToStore[],
  tx: Transaction,
): Promise<void> {
  const onGrid = answers.filter(({ isOnGrid = true }) => isOnGrid);
  const cellsOf = ({ request }: AnswerToStore): CellSelection => ({ ...request, metrics: codesOf(request) });
  const believed = onGrid.filter(({ isDoubted = false }) => !isDoubted);
  await markAnswered(database, believed.map(cellsOf), tx);
  await clearSuspects(database, believed.map(cellsOf), tx);
  for (const answer of onGrid) {
    const { isDoubted = false, receivedAt, refreshOf } = answer;
    if (isDoubted) await enterSuspects(database, cellsOf(answer), receivedAt, tx);
    else if (refreshOf !== undefined) await markAnswered(database, [cellsOf(answer)], tx, { refreshOf });
  }
}

/**
 * Two answers about the same tokens take turns: what one finds changed must be what the other has committed. Locks are
 * taken in the order of their keys, so that turns never become a deadlock.
 */
export async function lockTokens(
  database: Database,
  requests: readonly DataRequest[],
  tx: Transaction,
): Promise<void> {
  const names = requests.flatMap(({ granularity, tokens }) =>
    tokens.map((token) => `${granularity} ${token}`),
  );
  await database.query(
    'lock tokens',
    sql`
      select pg_advisory_xact_lock(key)
      from (
        select distinct hashtextextended(name, 0) as key from unnest(${textArray(names)}) as t (name) order by key
      ) as keys`,
    tx,
  );
}
