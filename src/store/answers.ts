import { sql } from 'drizzle-orm';
import type { AnsweredRow, AnsweredTag, Reject } from '../api/decode.ts';
import { formatBeijingDate } from '../beijing.ts';
import type { Granularity } from '../catalog/index.ts';
import type { DataRequest } from '../planning/request.ts';
import { markAnswered } from './coverage.ts';
import type { Database, Executor } from './database.ts';
import { forgetRefused } from './entitlements.ts';
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
  /** The call that was answered; `undefined` where it has been logged already. */
  readonly log: Omit<RequestLogEntry, 'rowsWritten'> | undefined;
}

/**
 * Stores an answer whole or not at all: values, revisions, tags, quarantine, coverage and the request log commit
 * together. Storing the same answer again writes nothing but the log.
 */
export function storeAnswer(database: Database, answer: AnswerToStore): Promise<WrittenRows> {
  return database.transaction(async (on) => {
    const { request, receivedAt } = answer;
    await lockTokens(database, request, on);
    const stored = await writeRows(database, answer, on);
    await writeTags(database, answer, on);
    await writeRejects(database, request.granularity, answer.rejects, receivedAt, on);
    await markAnswered(database, { ...request, metrics: [...request.metrics, ...request.tags] }, on);
    // Without a call of its own the answer is that there is nothing, which says nothing about the subscription.
    if (answer.log !== undefined) {
      await forgetRefused(database, [...request.metrics, ...request.tags], on);
      await logRequest(database, { ...answer.log, rowsWritten: stored.rowsWritten }, on);
    }
    return stored;
  });
}

/**
 * Two answers about the same tokens take turns: what one finds changed must be what the other has committed. Locks are
 * taken in the order of their keys, so that turns never become a deadlock.
 */
async function lockTokens(database: Database, request: DataRequest, on: Executor): Promise<void> {
  await database.query(
    'lock tokens',
    sql`
      select pg_advisory_xact_lock(key)
      from (
        select distinct hashtextextended(${request.granularity} || ' ' || token, 0) as key
        from unnest(${sql.param(request.tokens)}::text[]) as t (token)
        order by key
      ) as keys`,
    on,
  );
}

/** A tag is kept from the first to the last day on which it had the same value. */
async function writeTags(database: Database, answer: AnswerToStore, on: Executor): Promise<void> {
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
    on,
  );
}

/** Longest raw form that is kept, in characters. */
const longestRaw = 20_000;

/** Text of any origin in a form that PostgreSQL stores: whole characters, no NUL. */
function storable(text: string | undefined, longest: number): string | null {
  return text === undefined ? null : text.toWellFormed().replaceAll('\0', '\u{fffd}').slice(0, longest);
}

async function writeRejects(
  database: Database,
  granularity: Granularity,
  rejects: readonly Reject[],
  receivedAt: number,
  on: Executor,
): Promise<void> {
  if (rejects.length === 0) return;
  const now = new Date(receivedAt).toISOString();
  const times = rejects.map(({ time }) => (time === undefined ? null : new Date(time).toISOString()));
  await database.query(
    'write quarantine',
    sql`
      insert into cryptoracle.quarantine
        (granularity, token, time, metric, reason, raw, first_seen_at, last_seen_at)
      select distinct ${granularity}, token, time, metric, reason, raw, ${now}::timestamptz, ${now}::timestamptz
      from unnest(
        ${sql.param(rejects.map(({ token }) => storable(token, 200)))}::text[],
        ${sql.param(times)}::timestamptz[],
        ${sql.param(rejects.map(({ metric }) => storable(metric, 200)))}::text[],
        ${sql.param(rejects.map(({ reason }) => reason))}::text[],
        ${sql.param(rejects.map(({ raw }) => storable(JSON.stringify(raw) ?? 'undefined', longestRaw)))}::text[]
      ) as t (token, time, metric, reason, raw)
      order by token, time, metric
      on conflict on constraint quarantine_entry do update
        set times_seen = quarantine.times_seen + 1, last_seen_at = excluded.last_seen_at`,
    on,
  );
}
