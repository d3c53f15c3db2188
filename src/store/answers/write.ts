import { sql } from 'drizzle-orm';
import type { AnsweredRow, AnsweredTag, Reject } from '../../api/decode.ts';
import type { Clock } from '../../clock.ts';
import type { DataRequest } from '../../planning/request.ts';
import type { Instant } from '../../time.ts';
import type { Database, Transaction } from '../connection/database.ts';
import { type CellSelection, markAnswered } from '../ledger/coverage.ts';
import { forgetRefused } from '../ledger/entitlements.ts';
import { clearSuspects, enterSuspects } from '../ledger/suspects.ts';
import { textArray } from '../schema/sql.ts';
import { announceStored } from './announce.ts';
import { noteWritten } from './quality/index.ts';
import { writeRejects } from './quarantine.ts';
import { logRequest, type RequestLogEntry } from './requests.ts';
import { type WrittenRows, writeRows } from './rows.ts';
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
export function storeAnswer(database: Database, answer: AnswerToStore): Promise<WrittenRows> {
  return database.transaction((tx) => writeAnswer(database, answer, tx));
}

/** {@link storeAnswer} within a transaction that does more. */
export async function writeAnswer(
  database: Database,
  answer: AnswerToStore,
  tx: Transaction,
): Promise<WrittenRows> {
  const { request, receivedAt } = answer;
  const codes = [...request.metrics, ...request.tags];
  await lockTokens(database, request, tx);
  // An answer may have waited long: for the database, or for another one about the same tokens.
  const storedAt = Math.max(receivedAt, answer.clock?.now() ?? receivedAt);
  const stored = await writeRows(database, { ...answer, storedAt }, tx);
  if (stored.rowsWritten > 0) {
    await noteWritten(database, request, tx);
    await announceStored(database, request.granularity, tx);
  }
  await writeTags(database, answer.tags, request.interval.start, tx);
  if (answer.isOnGrid ?? true) await enterInLedger(database, answer, { ...request, metrics: codes }, tx);
  let requestId: number | undefined;
  // Without a call of its own the answer is that there is nothing, which says nothing about the subscription.
  if (answer.log !== undefined) {
    await forgetRefused(database, codes, receivedAt, tx);
    requestId = await logRequest(database, { ...answer.log, rowsWritten: stored.rowsWritten }, tx);
  }
  await writeRejects(database, request.granularity, answer.rejects, receivedAt, requestId, tx);
  return stored;
}

async function enterInLedger(
  database: Database,
  { isDoubted = false, refreshOf, receivedAt }: AnswerToStore,
  cells: CellSelection,
  tx: Transaction,
): Promise<void> {
  if (isDoubted) return enterSuspects(database, cells, receivedAt, tx);
  await markAnswered(database, cells, tx);
  await clearSuspects(database, cells, tx);
  if (refreshOf !== undefined) await markAnswered(database, cells, tx, { refreshOf });
}

/**
 * Two answers about the same tokens take turns: what one finds changed must be what the other has committed. Locks are
 * taken in the order of their keys, so that turns never become a deadlock.
 */
export async function lockTokens(database: Database, request: DataRequest, tx: Transaction): Promise<void> {
  await database.query(
    'lock tokens',
    sql`
      select pg_advisory_xact_lock(key)
      from (
        select distinct hashtextextended(${request.granularity} || ' ' || token, 0) as key
        from unnest(${textArray(request.tokens)}) as t (token)
        order by key
      ) as keys`,
    tx,
  );
}
