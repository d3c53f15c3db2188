import { and, avg, count, desc, eq, gte, inArray, lte, sql } from 'drizzle-orm';
import type { Attempt } from '../../api/client.ts';
import type { Granularity } from '../../catalog/index.ts';
import type { Interval } from '../../planning/interval.ts';
import type { Lane } from '../../planning/lanes.ts';
import type { Instant, Milliseconds } from '../../time.ts';
import type { Database, Transaction } from '../connection/database.ts';
import { requests } from '../schema/index.ts';

/** One call on the wire, as it is kept. */
export interface RequestLogEntry {
  readonly what: 'values' | 'tokens';
  readonly lane: Lane;
  readonly granularity?: Granularity;
  readonly interval?: Interval;
  readonly tokens?: readonly string[];
  /** Codes of metrics and tags. */
  readonly metrics?: readonly string[];
  readonly outcome: Attempt['outcome'] | 'cut-short';
  readonly code: number | undefined;
  readonly records?: number;
  readonly rowsWritten?: number;
  /** Windows beside the asked range, and things that cannot be stored beyond those kept: dropped, and counted. */
  readonly windowsBeside?: number;
  readonly rejectsDropped?: number;
  readonly milliseconds: Milliseconds;
  readonly message?: string | undefined;
  /** When the call was over. */
  readonly at: Instant;
}

/** Enters a call. @returns its number */
export async function logRequest(
  database: Database,
  entry: RequestLogEntry,
  tx?: Transaction,
): Promise<number | undefined> {
  const [id] = await logRequests(database, [entry], tx);
  return id;
}

/** Enters calls. @returns their numbers */
export async function logRequests(
  database: Database,
  entries: readonly RequestLogEntry[],
  tx?: Transaction,
): Promise<number[]> {
  if (entries.length === 0) return [];
  const rows = entries.map(({ interval, at, tokens = [], metrics = [], message, ...call }) => ({
    ...call,
    sentAt: at - call.milliseconds,
    windowsFrom: interval?.start,
    windowsTo: interval?.end,
    tokens: [...tokens],
    metrics: [...metrics],
    message: message?.toWellFormed().replaceAll('\0', ''),
  }));
  const entered = await database.run(
    'log request',
    (db) => db.insert(requests).values(rows).returning({ id: requests.id }),
    tx,
  );
  return entered.map(({ id }) => id);
}

/** Calls since an instant: how many there were, how many were answered, and what they brought. */
export interface LatelyCounted {
  readonly calls: number;
  readonly answered: number;
  readonly values: number;
  readonly rowsWritten: number;
}

export async function countLately(database: Database, since: Instant): Promise<LatelyCounted> {
  const [row] = await database.run('count lately', (db) =>
    db
      .select({
        calls: count(),
        answered: sql<number>`(count(*) filter (where ${requests.outcome} = 'answered'))::int`,
        values: sql<number>`coalesce(sum(${requests.records}), 0)::float8`,
        rowsWritten: sql<number>`coalesce(sum(${requests.rowsWritten}), 0)::float8`,
      })
      .from(requests)
      .where(gte(requests.sentAt, since)),
  );
  return row ?? { calls: 0, answered: 0, values: 0, rowsWritten: 0 };
}

/** How many calls the audit has sent since an instant. */
export async function countAuditCalls(database: Database, since: Instant): Promise<number> {
  const [row] = await database.run('count audit calls', (db) =>
    db
      .select({ calls: count() })
      .from(requests)
      .where(and(eq(requests.lane, 'audit'), gte(requests.sentAt, since))),
  );
  return row?.calls ?? 0;
}

/** Whether a call for values was answered since an instant. */
export async function wasAnsweredSince(database: Database, since: Instant): Promise<boolean> {
  const [row] = await database.run('was answered since', (db) =>
    db
      .select({ id: requests.id })
      .from(requests)
      .where(and(eq(requests.outcome, 'answered'), eq(requests.what, 'values'), gte(requests.sentAt, since)))
      .limit(1),
  );
  return row !== undefined;
}

/** Of how many calls, the newest, the time of an answer is worked out. */
const enoughCalls = 200;

/** How many of the newest calls were answered, and how long they took on average, in seconds. */
export async function readAnswerTime(
  database: Database,
): Promise<{ readonly calls: number; readonly seconds: number }> {
  const [row] = await database.run('read answer time', (db) => {
    const newest = db
      .select({ milliseconds: requests.milliseconds })
      .from(requests)
      .where(and(eq(requests.outcome, 'answered'), eq(requests.what, 'values')))
      .orderBy(desc(requests.id))
      .limit(enoughCalls)
      .as('newest');
    return db.select({ calls: count(), average: avg(newest.milliseconds) }).from(newest);
  });
  return { calls: row?.calls ?? 0, seconds: Number(row?.average ?? 0) / 1000 };
}

/** Which calls may belong to an order. */
export interface AnswerScope {
  readonly granularities: readonly Granularity[];
  readonly range: Interval;
  readonly startedAt: Instant;
}

/**
 * The question of the newest answered call within a scope.
 * @returns the start of its windows
 */
export async function readNewestAnswer(
  database: Database,
  { granularities, range, startedAt }: AnswerScope,
): Promise<{ readonly granularity: Granularity; readonly from: Instant } | undefined> {
  const [row] = await database.run('read newest answer', (db) =>
    db
      .select({ granularity: requests.granularity, from: requests.windowsFrom })
      .from(requests)
      .where(
        and(
          eq(requests.outcome, 'answered'),
          eq(requests.what, 'values'),
          gte(requests.sentAt, startedAt),
          inArray(requests.granularity, [...granularities]),
          gte(requests.windowsFrom, range.start),
          lte(requests.windowsTo, range.end),
        ),
      )
      .orderBy(desc(requests.id))
      .limit(1),
  );
  // Calls for values name both.
  if (row === undefined || row.granularity === null || row.from === null) return undefined;
  return { granularity: row.granularity, from: row.from };
}
