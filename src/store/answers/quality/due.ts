import { sql } from 'drizzle-orm';
import { type Granularity, granularities } from '../../../catalog/index.ts';
import type { DataRequest } from '../../../planning/request.ts';
import type { Database, Transaction } from '../../connection/database.ts';
import { qualityDue } from '../../schema/index.ts';
import { textArray, timestamptzArray, windowLengthSql } from '../../schema/sql.ts';

/** The worklist of the checks: windows that were written. */

/** Windows that are checked together at most: with 200 tokens 40,000 rows, which takes a fraction of a second. */
const mostWindows = 200;

/** A stretch of windows, as PostgreSQL writes instants. */
export interface Stretch extends Record<string, unknown> {
  readonly start: string;
  readonly end: string;
}

/** Enters the windows of requests as written, to be checked. */
export async function noteWritten(
  database: Database,
  requests: readonly DataRequest[],
  tx: Transaction,
): Promise<void> {
  if (requests.length === 0) return;
  await database.query(
    'note written',
    sql`
      insert into ${qualityDue} (granularity, windows)
      select granularity, tstzrange("from", "to")
      from unnest(
        ${textArray(requests.map(({ granularity }) => granularity))},
        ${timestamptzArray(requests.map(({ interval }) => interval.start))},
        ${timestamptzArray(requests.map(({ interval }) => interval.end))}
      ) as written (granularity, "from", "to")`,
    tx,
  );
}

/** Granularities of which something is due, the finest first. */
export async function readDueGranularities(database: Database): Promise<Granularity[]> {
  const rows = await database.query<{ granularity: Granularity }>(
    'read quality due',
    sql`
      select granularity from unnest(${textArray(granularities)}) with ordinality as g (granularity, place)
      where exists (select from ${qualityDue} as due where due.granularity = g.granularity)
      order by place`,
  );
  return rows.map(({ granularity }) => granularity);
}

/**
 * Takes the newest windows off the list, of all entries that hold some of them, so that a window is checked once with all
 * its tokens. They come back where the transaction fails.
 * @returns none where nothing is due
 */
export function takeDue(database: Database, granularity: Granularity, tx: Transaction): Promise<Stretch[]> {
  return database.query<Stretch>(
    'take quality due',
    sql`
      with newest as materialized (
        select tstzrange(max(upper(windows)) - ${sql.raw(String(mostWindows))} * ${windowLengthSql(granularity)}, max(upper(windows)))
          as windows
        from ${qualityDue} where granularity = ${granularity}
      ), taken as (
        delete from ${qualityDue} as due using newest
        where due.granularity = ${granularity} and upper(due.windows) > lower(newest.windows)
        returning due.windows
      ), left_over as (
        insert into ${qualityDue} (granularity, windows)
        select ${granularity}, taken.windows - newest.windows from taken, newest
        where not taken.windows <@ newest.windows
      )
      select lower(stretch)::text as start, upper(stretch)::text as end
      from (
        select unnest(range_agg(taken.windows * newest.windows)) as stretch from taken, newest
      ) as stretches`,
    tx,
  );
}
