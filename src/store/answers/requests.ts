import { sql } from 'drizzle-orm';
import type { Attempt } from '../../api/client.ts';
import type { Granularity } from '../../catalog/index.ts';
import type { Interval } from '../../planning/interval.ts';
import type { Lane } from '../../planning/lanes.ts';
import type { Database, Transaction } from '../connection/database.ts';

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
  readonly milliseconds: number;
  readonly message?: string | undefined;
  /** When the call was over; milliseconds since the epoch. */
  readonly at: number;
}

const at = (instant: number | undefined) => (instant === undefined ? null : new Date(instant).toISOString());

/** Enters a call. @returns its number */
export async function logRequest(
  database: Database,
  entry: RequestLogEntry,
  tx?: Transaction,
): Promise<number | undefined> {
  const [row] = await database.query<{ id: number }>(
    'log request',
    sql`
      insert into cryptoracle.requests
        (sent_at, what, lane, granularity, windows_from, windows_to, tokens, metrics,
         outcome, code, records, rows_written, milliseconds, message)
      values
        (${at(entry.at - entry.milliseconds)}, ${entry.what}, ${entry.lane}, ${entry.granularity ?? null},
         ${at(entry.interval?.start)}, ${at(entry.interval?.end)},
         ${sql.param(entry.tokens ?? [])}::text[], ${sql.param(entry.metrics ?? [])}::text[],
         ${entry.outcome}, ${entry.code ?? null}, ${entry.records ?? 0}, ${entry.rowsWritten ?? 0},
         ${entry.milliseconds}, ${entry.message?.toWellFormed().replaceAll('\0', '') ?? null})
      returning id::float8 as id`,
    tx,
  );
  return row?.id;
}

/** How many of the newest calls were answered, and how long they took on average, in seconds. */
export async function readAnswerTime(
  database: Database,
): Promise<{ readonly calls: number; readonly seconds: number }> {
  const [row] = await database.query<{ calls: number; seconds: number | null }>(
    'read answer time',
    sql`
      select count(*)::float8 as calls, (avg(milliseconds) / 1000)::float8 as seconds
      from (
        select milliseconds from cryptoracle.requests
        where outcome = 'answered' and what = 'values'
        order by id desc limit 200
      ) as newest`,
  );
  return { calls: row?.calls ?? 0, seconds: row?.seconds ?? 0 };
}

/** Which calls may belong to an order. Times are milliseconds since the epoch. */
export interface AnswerScope {
  readonly granularities: readonly Granularity[];
  readonly range: Interval;
  readonly startedAt: number;
}

/**
 * What the newest answered call within a scope was about.
 * @returns the start of its windows in milliseconds since the epoch
 */
export async function readNewestAnswer(
  database: Database,
  { granularities, range, startedAt }: AnswerScope,
): Promise<{ readonly granularity: Granularity; readonly from: number } | undefined> {
  const [row] = await database.query<{ granularity: Granularity; from: number }>(
    'read newest answer',
    sql`
      select granularity, (extract(epoch from windows_from) * 1000)::float8 as "from"
      from cryptoracle.requests
      where outcome = 'answered' and what = 'values' and sent_at >= ${at(startedAt)}
        and granularity = any (${sql.param(granularities)}::text[])
        and windows_from >= ${at(range.start)} and windows_to <= ${at(range.end)}
      order by id desc
      limit 1`,
  );
  return row;
}
