import { sql } from 'drizzle-orm';
import type { Database } from '../connection/database.ts';

/** Orders that wait for a running worker, and those that somebody has laid aside. */

/** Leaves an order that is not over to whichever worker is free. @returns whether it was to be had */
export async function leaveToWorkers(database: Database, id: number): Promise<boolean> {
  const rows = await database.query(
    'leave order to workers',
    sql`
      update cryptoracle.backfills set state = 'waiting', ended_at = null, message = null
      where id = ${id} and state not in ('done', 'cancelled')
      returning id`,
  );
  return rows.length > 0;
}

/** Lays an order aside until somebody resumes it; a process that works on it ends. @returns whether it was open */
export async function pauseOrder(database: Database, id: number): Promise<boolean> {
  const rows = await database.query(
    'pause order',
    sql`
      update cryptoracle.backfills set state = 'paused', message = 'paused by a person'
      where id = ${id} and state not in ('done', 'cancelled', 'paused')
      returning id`,
  );
  return rows.length > 0;
}

/** Orders that wait for a worker, the oldest first. */
export async function readWaitingOrders(database: Database): Promise<number[]> {
  const rows = await database.query<{ id: number }>(
    'read waiting orders',
    sql`select id::float8 as id from cryptoracle.backfills where state = 'waiting' order by id limit 20`,
  );
  return rows.map(({ id }) => id);
}
