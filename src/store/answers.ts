import { type SQL, sql } from 'drizzle-orm';
import type { AnsweredRow, AnsweredTag, Reject } from '../api/decode.ts';
import { type Granularity, metricPosition, metrics } from '../catalog/index.ts';
import { formatBeijingDate } from '../planning/beijing.ts';
import type { DataRequest } from '../planning/request.ts';
import { markAnswered } from './coverage.ts';
import type { Database, Executor } from './database.ts';
import { logRequest, type RequestLogEntry } from './requests.ts';

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

export interface StoredAnswer {
  /** Rows that were new or changed. */
  readonly rowsWritten: number;
  readonly revisions: number;
}

/**
 * Stores an answer whole or not at all: values, revisions, tags, quarantine, coverage and the request log commit
 * together. Storing the same answer again writes nothing but the log.
 */
export function storeAnswer(database: Database, answer: AnswerToStore): Promise<StoredAnswer> {
  return database.transaction(async (on) => {
    const { request, receivedAt } = answer;
    await lockTokens(database, request, on);
    const stored = await writeRows(database, answer, on);
    await writeTags(database, answer, on);
    await writeRejects(database, request.granularity, answer.rejects, receivedAt, on);
    await markAnswered(database, { ...request, metrics: [...request.metrics, ...request.tags] }, on);
    if (answer.log !== undefined) {
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

/** The parts of the statement that depend on the catalogue only; built once. */
const columns = metrics.map((metric) => sql.identifier(metric.column));
const list = (of: (column: (typeof columns)[number]) => SQL) => sql.join(columns.map(of), sql`, `);
const columnList = list((column) => sql`${column}`);
const presentList = list((column) => sql`m.${column}`);
const mergedList = list((column) => sql`coalesce(excluded.${column}, m.${column})`);
const assignments = list((column) => sql`${column} = coalesce(excluded.${column}, m.${column})`);
const oldAndNew = sql.join(
  metrics.map(({ code, column }) => {
    const name = sql.identifier(column);
    return sql`(${sql.raw(`'${code}'`)}, m.${name}, i.${name})`;
  }),
  sql`, `,
);

async function writeRows(database: Database, answer: AnswerToStore, on: Executor): Promise<StoredAnswer> {
  const { request, receivedAt } = answer;
  const rows = answer.rows.filter((row) => row.values.some((value) => value !== null));
  if (rows.length === 0) return { rowsWritten: 0, revisions: 0 };
  const table = sql.identifier(`metrics_${request.granularity}`);
  const now = new Date(receivedAt).toISOString();
  const observedFrom = new Date(answer.observedFrom).toISOString();
  const { start, end } = request.interval;
  const values = metrics.map(({ code }) => {
    const position = metricPosition(code);
    return sql`${sql.param(rows.map((row) => row.values[position] ?? null))}::float8[]`;
  });
  const [counts] = await database.query<{ rowsWritten: number; revisions: number }>(
    'write rows',
    sql`
      with incoming (time, token, ${columnList}) as (
        select * from unnest(
          ${sql.param(rows.map((row) => new Date(row.time).toISOString()))}::timestamptz[],
          ${sql.param(rows.map((row) => row.token))}::text[],
          ${sql.join(values, sql`, `)}
        )
      ), answered_before as materialized (
        select token, metric, answered
        from cryptoracle.coverage
        where granularity = ${request.granularity}
          and token = any (${sql.param(request.tokens)}::text[])
          and answered && tstzrange(${new Date(start).toISOString()}, ${new Date(end).toISOString()})
      ), revised as (
        -- A value that differs from the one we have; a value that was asked for before and was not there; history of
        -- a metric that comes to a row which was observed without it. All else is a first answer.
        insert into cryptoracle.revisions (granularity, token, time, metric, old, new, revised_at)
        select ${request.granularity}, i.token, i.time, v.metric, v.old, v.new, ${now}::timestamptz
        from incoming as i
        left join cryptoracle.${table} as m
          on m.token = i.token and m.time = i.time
        cross join lateral (values ${oldAndNew}) as v (metric, old, new)
        left join answered_before as a
          on a.token = i.token and a.metric = v.metric and a.answered @> i.time
        where v.new is not null
          and v.new is distinct from v.old
          and (
            v.old is not null
            or a.token is not null
            or (not m.backfilled and i.time < ${observedFrom}::timestamptz)
          )
        returning 1
      ), written as (
        insert into cryptoracle.${table} as m
          (time, token, ${columnList}, first_seen_at, updated_at, backfilled)
        select time, token, ${columnList}, ${now}::timestamptz, ${now}::timestamptz, time < ${observedFrom}::timestamptz
        from incoming
        on conflict (token, time) do update
          set ${assignments}, updated_at = excluded.updated_at
          where (${presentList}) is distinct from (${mergedList})
        returning 1
      )
      select
        (select count(*) from written)::int as "rowsWritten",
        (select count(*) from revised)::int as revisions`,
    on,
  );
  return counts ?? { rowsWritten: 0, revisions: 0 };
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
