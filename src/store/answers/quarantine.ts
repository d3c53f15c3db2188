import { sql } from 'drizzle-orm';
import type { AnswerPart, Reject } from '../../api/decode.ts';
import type { Granularity } from '../../catalog/index.ts';
import type { Database, Transaction } from '../connection/database.ts';

/** What the API sent and could not be stored; kept until it can be, and after that with what became of it. */

/** Longest raw form that is kept, in characters: more than any value or window, and much of an entry. */
const longestRaw = 20_000;

/** Text of any origin in a form that PostgreSQL stores: whole characters, no NUL. */
function storable(text: string | undefined, longest: number): string | null {
  return text === undefined ? null : text.toWellFormed().replaceAll('\0', '\u{fffd}').slice(0, longest);
}

/**
 * Enters rejects; the same thing sent again is counted, and is open again.
 * @param requestId the call that brought them, see {@link logRequest}
 */
export async function writeRejects(
  database: Database,
  granularity: Granularity,
  rejects: readonly Reject[],
  receivedAt: number,
  requestId: number | undefined,
  tx: Transaction,
): Promise<void> {
  if (rejects.length === 0) return;
  const now = new Date(receivedAt).toISOString();
  const times = rejects.map(({ time }) => (time === undefined ? null : new Date(time).toISOString()));
  await database.query(
    'write quarantine',
    sql`
      insert into cryptoracle.quarantine
        (granularity, token, time, metric, reason, part, raw, request_id, first_seen_at, last_seen_at)
      -- The same raw form may have come as two parts of one answer.
      select distinct on (token, time, metric, reason, raw)
        ${granularity}, token, time, metric, reason, part, raw, ${requestId ?? null}::bigint,
        ${now}::timestamptz, ${now}::timestamptz
      from unnest(
        ${sql.param(rejects.map(({ token }) => storable(token, 200)))}::text[],
        ${sql.param(times)}::timestamptz[],
        ${sql.param(rejects.map(({ metric }) => storable(metric, 200)))}::text[],
        ${sql.param(rejects.map(({ reason }) => reason))}::text[],
        ${sql.param(rejects.map(({ part }) => part))}::text[],
        ${sql.param(rejects.map(({ raw }) => storable(JSON.stringify(raw) ?? 'undefined', longestRaw)))}::text[]
      ) as t (token, time, metric, reason, part, raw)
      order by token, time, metric, reason, raw, part
      on conflict on constraint quarantine_entry do update
        set times_seen = quarantine.times_seen + 1, last_seen_at = excluded.last_seen_at,
          resolution = null, resolved_at = null`,
    tx,
  );
}

/**
 * What became of an entry: its values are stored; the API has given others for the same cells since; or a person has
 * decided that it does not matter.
 */
export type Resolution = 'replayed' | 'superseded' | 'dismissed';

/** Which entries; what is not named does not matter. */
export interface QuarantineFilter {
  readonly granularities?: readonly Granularity[] | undefined;
  readonly tokens?: readonly string[] | undefined;
  readonly metrics?: readonly string[] | undefined;
  readonly reason?: string | undefined;
  /** Entries with a greater number. */
  readonly after?: number | undefined;
  /** Entries that are resolved, too. */
  readonly resolved?: boolean | undefined;
}

/** Instants are milliseconds since the epoch. */
export interface QuarantineEntry {
  readonly id: number;
  readonly granularity: Granularity;
  readonly token: string | null;
  /** Start of the window. */
  readonly time: number | null;
  readonly metric: string | null;
  readonly reason: string;
  /** `null` for entries from before parts were told apart. */
  readonly part: AnswerPart | null;
  /** JSON, as far as it was not too long to be kept whole. */
  readonly raw: string;
  readonly timesSeen: number;
  readonly firstSeenAt: number;
  readonly lastSeenAt: number;
  readonly resolution: Resolution | null;
  /** What had been asked, where the log still knows. */
  readonly request: {
    readonly id: number;
    readonly sentAt: number;
    readonly from: number;
    readonly to: number;
    readonly tokens: readonly string[];
    /** Codes of metrics and tags. */
    readonly metrics: readonly string[];
  } | null;
}

/** Entries in the order in which they came. */
export function readQuarantine(
  database: Database,
  filter: QuarantineFilter,
  most: number,
): Promise<QuarantineEntry[]> {
  const ms = (instant: string) => sql`(extract(epoch from ${sql.raw(instant)}) * 1000)::float8`;
  return database.query<QuarantineEntry & Record<string, unknown>>(
    'read quarantine',
    sql`
      select q.id::float8 as id, q.granularity, q.token, ${ms('q.time')} as time, q.metric, q.reason, q.part, q.raw,
        q.times_seen as "timesSeen", ${ms('q.first_seen_at')} as "firstSeenAt", ${ms('q.last_seen_at')} as "lastSeenAt",
        q.resolution,
        case when r.id is not null then jsonb_build_object(
          'id', r.id, 'sentAt', ${ms('r.sent_at')}, 'from', ${ms('r.windows_from')}, 'to', ${ms('r.windows_to')},
          'tokens', r.tokens, 'metrics', r.metrics) end as request
      from cryptoracle.quarantine as q
      left join cryptoracle.requests as r on r.id = q.request_id
      where ${matches(filter)}
      order by q.id
      limit ${most}`,
  );
}

/** How many entries there are, by reason; the most frequent first. */
export function countQuarantine(
  database: Database,
  filter: QuarantineFilter,
): Promise<{ readonly reason: string; readonly entries: number }[]> {
  return database.query<{ reason: string; entries: number }>(
    'count quarantine',
    sql`
      select q.reason, count(*)::float8 as entries
      from cryptoracle.quarantine as q
      where ${matches(filter)}
      group by q.reason
      order by entries desc, q.reason`,
  );
}

function matches(filter: QuarantineFilter) {
  const { granularities, tokens, metrics, reason, after, resolved } = filter;
  return sql.join(
    [
      sql`q.id > ${after ?? 0}`,
      ...(resolved === true ? [] : [sql`q.resolution is null`]),
      ...(granularities === undefined
        ? []
        : [sql`q.granularity = any (${sql.param(granularities)}::text[])`]),
      ...(tokens === undefined ? [] : [sql`q.token = any (${sql.param(tokens)}::text[])`]),
      ...(metrics === undefined ? [] : [sql`q.metric = any (${sql.param(metrics)}::text[])`]),
      ...(reason === undefined ? [] : [sql`q.reason = ${reason}`]),
    ],
    sql` and `,
  );
}

/** Resolves all entries that match as dismissed. @returns how many */
export async function dismissEntries(
  database: Database,
  filter: QuarantineFilter,
  now: number,
): Promise<number> {
  const dismissed = await database.query(
    'dismiss quarantine',
    sql`
      update cryptoracle.quarantine as q
      set resolution = 'dismissed', resolved_at = ${new Date(now).toISOString()}::timestamptz
      where ${matches({ ...filter, resolved: false })}
      returning 1`,
  );
  return dismissed.length;
}

/** Notes what became of an entry. */
export async function resolveEntry(
  database: Database,
  id: number,
  resolution: Resolution,
  now: number,
  tx: Transaction,
): Promise<void> {
  await database.query(
    'resolve quarantine',
    sql`
      update cryptoracle.quarantine
      set resolution = ${resolution}, resolved_at = ${new Date(now).toISOString()}::timestamptz
      where id = ${id}`,
    tx,
  );
}
