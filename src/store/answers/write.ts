import { sql } from 'drizzle-orm';
import type { AnsweredRow, AnsweredTag, Reject } from '../../api/decode.ts';
import { formatBeijingDate } from '../../beijing.ts';
import type { DataRequest } from '../../planning/request.ts';
import type { Database, Transaction } from '../connection/database.ts';
import { markAnswered } from '../ledger/coverage.ts';
import { forgetRefused } from '../ledger/entitlements.ts';
import { announceStored } from './announce.ts';
import { noteWritten } from './quality.ts';
import { writeRejects } from './quarantine.ts';
import { logRequest, type RequestLogEntry } from './requests.ts';
import { type WrittenRows, writeRows } from './rows.ts';

/** What one answer leaves in the database. */
export interface AnswerToStore {
  readonly request: DataRequest;
  readonly rows: readonly AnsweredRow[];
  readonly tags: readonly AnsweredTag[];
  readonly rejects: readonly Reject[];
  /** When the answer came; milliseconds since the epoch. */
  readonly receivedAt: number;
  /**
   * Windows that started earlier were asked for long after they closed: when they were first seen says nothing about
   * when the market could know them. Milliseconds since the epoch.
   */
  readonly observedFrom: number;
  /** Whether the windows asked for are those that were answered; else the request stays a gap. */
  readonly isOnGrid?: boolean;
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
  const stored = await writeRows(database, answer, tx);
  if (stored.rowsWritten > 0) {
    await noteWritten(database, request, tx);
    await announceStored(database, request.granularity, tx);
  }
  await writeTags(database, answer, tx);
  const isOnGrid = answer.isOnGrid ?? true;
  if (isOnGrid) await markAnswered(database, { ...request, metrics: codes }, tx);
  const { refreshOf } = answer;
  if (refreshOf !== undefined && isOnGrid)
    await markAnswered(database, { ...request, metrics: codes }, tx, { refreshOf });
  let requestId: number | undefined;
  // Without a call of its own the answer is that there is nothing, which says nothing about the subscription.
  if (answer.log !== undefined) {
    await forgetRefused(database, codes, tx);
    requestId = await logRequest(database, { ...answer.log, rowsWritten: stored.rowsWritten }, tx);
  }
  await writeRejects(database, request.granularity, answer.rejects, receivedAt, requestId, tx);
  return stored;
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
        from unnest(${sql.param(request.tokens)}::text[]) as t (token)
        order by key
      ) as keys`,
    tx,
  );
}

/** A tag is kept from the first to the last day on which it had the same value. */
async function writeTags(database: Database, answer: AnswerToStore, tx: Transaction): Promise<void> {
  const { tags, request } = answer;
  if (tags.length === 0) return;
  const day = formatBeijingDate(request.interval.start);
  await database.query(
    'write tags',
    sql`
      with incoming as (
        select * from unnest(
          ${sql.param(tags.map((tag) => tag.token))}::text[],
          ${sql.param(tags.map((tag) => tag.tag))}::text[],
          ${sql.param(tags.map((tag) => tag.value))}::text[]
        ) as t (token, tag, value)
      ), latest as (
        select distinct on (token, tag) token, tag, value, first_day
        from cryptoracle.token_tags join incoming using (token, tag, value)
        where first_day <= ${day}::date and not exists (
          select from cryptoracle.token_tags as later
          where later.token = token_tags.token and later.tag = token_tags.tag
            and later.first_day > token_tags.first_day and later.first_day <= ${day}::date
        )
        order by token, tag, first_day desc
      )
      insert into cryptoracle.token_tags (token, tag, value, first_day, last_day)
      select token, tag, value, coalesce(latest.first_day, ${day}::date), ${day}::date
      from incoming left join latest using (token, tag, value)
      order by token, tag
      on conflict (token, tag, first_day) do update
        set value = excluded.value, last_day = greatest(token_tags.last_day, excluded.last_day)
        where token_tags.value <> excluded.value or token_tags.last_day < excluded.last_day`,
    tx,
  );
}
