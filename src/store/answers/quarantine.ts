import { and, asc, count, desc, eq, gt, inArray, isNull, sql } from 'drizzle-orm';
import type { AnswerPart, Reject } from '../../api/decode.ts';
import type { Granularity } from '../../catalog/index.ts';
import type { Instant, Milliseconds } from '../../time.ts';
import type { Database, Transaction } from '../connection/database.ts';
import { noteEvent } from '../ledger/events.ts';
import { quarantine, requests } from '../schema/index.ts';
import type { Resolution } from '../schema/quarantine.ts';
import { columnNames, excluded, textArray, timestamptz, timestamptzArray } from '../schema/sql.ts';

export type { Resolution } from '../schema/quarantine.ts';

/** Parts of answers that could not be stored. They are kept until they can be, and after that with how they ended. */

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
  receivedAt: Instant,
  requestId: number | undefined,
  tx: Transaction,
): Promise<void> {
  if (rejects.length === 0) return;
  const {
    granularity: ofRequest,
    token,
    time,
    metric,
    reason,
    part,
    raw,
    ...entered
  } = columnNames(quarantine);
  const now = timestamptz(receivedAt);
  const again = excluded(quarantine);
  await database.query(
    'write quarantine',
    sql`
      insert into ${quarantine} as q (${ofRequest}, ${token}, ${time}, ${metric}, ${reason}, ${part}, ${raw},
        ${entered.requestId}, ${entered.firstSeenAt}, ${entered.lastSeenAt})
      -- The same raw form may have come as two parts of one answer.
      select distinct on (token, time, metric, reason, raw)
        ${granularity}, token, time, metric, reason, part, raw, ${requestId ?? null}::bigint, ${now}, ${now}
      from unnest(
        ${textArray(rejects.map((reject) => storable(reject.token, 200)))},
        ${timestamptzArray(rejects.map((reject) => reject.time))},
        ${textArray(rejects.map((reject) => storable(reject.metric, 200)))},
        ${textArray(rejects.map((reject) => reject.reason))},
        ${textArray(rejects.map((reject) => reject.part))},
        ${textArray(rejects.map((reject) => storable(JSON.stringify(reject.raw) ?? 'undefined', longestRaw)))}
      ) as t (token, time, metric, reason, part, raw)
      order by token, time, metric, reason, raw, part
      on conflict on constraint quarantine_entry do update
        set ${entered.timesSeen} = q.${entered.timesSeen} + 1, ${entered.lastSeenAt} = ${again.lastSeenAt},
          ${entered.resolution} = null, ${entered.resolvedAt} = null`,
    tx,
  );
  // In the order of their names, so that answers about the same never wait for one another in a circle.
  for (const reason of [...new Set(rejects.map((reject) => reject.reason))].sort()) {
    await noteEvent(
      database,
      {
        ...{ kind: 'quarantined', at: receivedAt, granularity, subject: reason, joinsWithin: sameReason },
        message: `the API sent what cannot be stored (${reason}): see quarantine`,
      },
      tx,
    );
  }
}

/** Until things that come for the same reason count as another event. */
const sameReason: Milliseconds = 86_400_000;

/** A choice of entries; a field that is left out does not narrow it. */
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

export interface QuarantineEntry {
  readonly id: number;
  readonly granularity: Granularity;
  readonly token: string | null;
  /** Start of the window. */
  readonly time: Instant | null;
  readonly metric: string | null;
  readonly reason: string;
  /** `null` for entries from before parts were told apart. */
  readonly part: AnswerPart | null;
  /** JSON, as far as it was not too long to be kept whole. */
  readonly raw: string;
  readonly timesSeen: number;
  readonly firstSeenAt: Instant;
  readonly lastSeenAt: Instant;
  readonly resolution: Resolution | null;
  /** The question that brought it, where the log still has it. */
  readonly request: {
    readonly id: number;
    readonly sentAt: Instant;
    readonly from: Instant | null;
    readonly to: Instant | null;
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
  return database.run('read quarantine', (db) =>
    db
      .select({
        id: quarantine.id,
        granularity: quarantine.granularity,
        token: quarantine.token,
        time: quarantine.time,
        metric: quarantine.metric,
        reason: quarantine.reason,
        part: quarantine.part,
        raw: quarantine.raw,
        timesSeen: quarantine.timesSeen,
        firstSeenAt: quarantine.firstSeenAt,
        lastSeenAt: quarantine.lastSeenAt,
        resolution: quarantine.resolution,
        request: {
          id: requests.id,
          sentAt: requests.sentAt,
          from: requests.windowsFrom,
          to: requests.windowsTo,
          tokens: requests.tokens,
          metrics: requests.metrics,
        },
      })
      .from(quarantine)
      .leftJoin(requests, eq(requests.id, quarantine.requestId))
      .where(matches(filter))
      .orderBy(asc(quarantine.id))
      .limit(most),
  );
}

/** How many entries there are, by reason; the most frequent first. */
export function countQuarantine(
  database: Database,
  filter: QuarantineFilter,
): Promise<{ readonly reason: string; readonly entries: number }[]> {
  return database.run('count quarantine', (db) =>
    db
      .select({ reason: quarantine.reason, entries: count() })
      .from(quarantine)
      .where(matches(filter))
      .groupBy(quarantine.reason)
      .orderBy(desc(count()), asc(quarantine.reason)),
  );
}

function matches({ granularities, tokens, metrics, reason, after, resolved }: QuarantineFilter) {
  return and(
    after === undefined ? undefined : gt(quarantine.id, after),
    resolved === true ? undefined : isNull(quarantine.resolution),
    granularities && inArray(quarantine.granularity, [...granularities]),
    tokens && inArray(quarantine.token, [...tokens]),
    metrics && inArray(quarantine.metric, [...metrics]),
    reason === undefined ? undefined : eq(quarantine.reason, reason),
  );
}

/** Resolves all entries that match as dismissed. @returns how many */
export async function dismissEntries(
  database: Database,
  filter: QuarantineFilter,
  now: Instant,
): Promise<number> {
  const dismissed = await database.run('dismiss quarantine', (db) =>
    db
      .update(quarantine)
      .set({ resolution: 'dismissed', resolvedAt: now })
      .where(matches({ ...filter, resolved: false }))
      .returning({ id: quarantine.id }),
  );
  return dismissed.length;
}

/** Enters how an entry ended. */
export async function resolveEntry(
  database: Database,
  id: number,
  resolution: Resolution,
  now: Instant,
  tx: Transaction,
): Promise<void> {
  await database.run(
    'resolve quarantine',
    (db) => db.update(quarantine).set({ resolution, resolvedAt: now }).where(eq(quarantine.id, id)),
    tx,
  );
}
