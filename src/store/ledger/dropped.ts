import { type SQL, sql } from 'drizzle-orm';
import { type Granularity, granularities, tagCodes } from '../../catalog/index.ts';
import type { Instant } from '../../time.ts';
import type { Database, Transaction } from '../connection/database.ts';
import { coverage, dropped, storedDays } from '../schema/index.ts';
import { metricTable, textArray, timestamptz } from '../schema/sql.ts';
import { noteEvent } from './events.ts';

/**
 * Values that are gone again. Retention removes what is no longer wanted; whatever else removes values, `drop_chunks` or
 * `truncate` by an operator, is noticed by the days that had rows and have none. Either way the ledger forgets the
 * answers: they are not here any more.
 */

/** The lock under which values are removed, and looked for: one must not take the other's work for an operator's. */
const lock = 'removal of values';

/** Runs work that removes values, or looks for removed ones, while no other process does. @returns `undefined` where one does */
export function whileNobodyRemoves<T>(database: Database, work: () => Promise<T>): Promise<T | undefined> {
  return database.exclusivelyIfFree(lock, work);
}

export interface NoticedDrop {
  readonly granularity: Granularity;
  /** How many days (UTC) have lost all their rows. */
  readonly days: number;
}

/**
 * Notices days whose rows were removed by somebody else: their windows count as unanswered, and are not fetched again by
 * themselves.
 *
 * @param refetch whether they are to be fetched again, with whatever was noticed before
 */
export async function noticeDropped(
  database: Database,
  now: Instant,
  { refetch }: { readonly refetch: boolean },
): Promise<NoticedDrop[]> {
  const noticed = await whileNobodyRemoves(database, async () => {
    const drops: NoticedDrop[] = [];
    if (refetch) await database.query('forget dropped', sql`delete from ${dropped}`);
    for (const granularity of granularities) {
      const days = await database.transaction((tx) => noticeIn(database, granularity, now, refetch, tx));
      if (days > 0) drops.push({ granularity, days });
    }
    return drops;
  });
  return noticed ?? [];
}

async function noticeIn(
  database: Database,
  granularity: Granularity,
  now: Instant,
  refetch: boolean,
  tx: Transaction,
): Promise<number> {
  const [gone] = await database.query<{ windows: string; days: number }>(
    'look for dropped',
    sql`
      select range_agg(tstzrange(day, day + interval '24 hours'))::text as windows, count(*)::int as days
      from ${storedDays} as s, unnest(s.days) as stretch,
        generate_series(lower(stretch), upper(stretch) - interval '24 hours', interval '24 hours') as day
      where s.granularity = ${granularity} and not (${hasRows(granularity)})`,
    tx,
  );
  if (gone === undefined || gone.days === 0) return 0;
  const windows = sql`${gone.windows}::tstzmultirange`;
  if (!refetch) {
    await database.query(
      'note dropped',
      sql`
        insert into ${dropped} as d (granularity, token, metric, windows, noticed_at)
        select granularity, token, metric, answered * ${windows}, ${timestamptz(now)}
        from ${coverage}
        where granularity = ${granularity} and answered && ${windows} and metric <> all (${textArray(tagCodes)})
        on conflict (granularity, token, metric) do update
          set windows = d.windows + excluded.windows, noticed_at = excluded.noticed_at`,
      tx,
    );
  }
  await forgetRemoved(database, granularity, windows, tx);
  const what = `the ${granularity} values of ${gone.days} ${gone.days === 1 ? 'day were' : 'days were'} removed here by somebody`;
  const remedy = refetch ? 'they are fetched again' : '`backfill --refresh` fetches them again';
  await noteEvent(
    database,
    { kind: 'dropped here', at: now, granularity, message: `${what}; ${remedy}` },
    tx,
  );
  return gone.days;
}

/** The day of a window: a day of UTC, on which windows of all granularities but 1d begin; a 1d window is a day itself. */
export const dayOf = (granularity: Granularity, time: string) =>
  granularity === '1d' ? time : `date_trunc('day', ${time}, 'UTC')`;

/** Asked for each day by itself, which an index answers; an anti-join might read everything. */
const hasRows = (granularity: Granularity) => sql`
  case when exists (
    select from ${metricTable(granularity)} as v where v.time >= day and v.time < day + interval '24 hours'
  ) then true else false end`;

/**
 * Takes values that were removed out of the ledger, and out of the days that have rows. Tags are not windows.
 * @param windows a multirange
 */
export async function forgetRemoved(
  database: Database,
  granularity: Granularity,
  windows: SQL,
  tx: Transaction,
): Promise<void> {
  // Rows are locked in the order in which answers lock them.
  await database.query(
    'forget removed',
    sql`
      with concerned as materialized (
        select token, metric from ${coverage}
        where granularity = ${granularity} and answered && ${windows} and metric <> all (${textArray(tagCodes)})
        order by token, metric
        for update
      )
      update ${coverage} as c set answered = c.answered - ${windows}
      from concerned
      where c.granularity = ${granularity} and c.token = concerned.token and c.metric = concerned.metric`,
    tx,
  );
  await database.query(
    'forget stored days',
    sql`update ${storedDays} set days = days - ${windows} where granularity = ${granularity}`,
    tx,
  );
}

/** Notes which days of a range of windows have rows. Reads no rows where that is known. */
export async function noteStoredDays(
  database: Database,
  granularity: Granularity,
  { start, end }: { readonly start: SQL; readonly end: SQL },
  tx: Transaction,
): Promise<void> {
  await database.query(
    'note stored days',
    sql`
      insert into ${storedDays} as s (granularity, days)
      select ${granularity}, range_agg(tstzrange(day, day + interval '24 hours'))
      from (
        select distinct ${sql.raw(dayOf(granularity, 'v.time'))} as day
        from ${metricTable(granularity)} as v
        where v.time >= ${start} and v.time < ${end} and not exists (
          select from ${storedDays} as known
          where known.granularity = ${granularity}
            and known.days @> tstzrange(date_trunc('day', ${start}, 'UTC'), ${end})
        )
      ) as days
      having count(*) > 0
      on conflict (granularity) do update
        set days = s.days + excluded.days where not s.days @> excluded.days`,
    tx,
  );
}
