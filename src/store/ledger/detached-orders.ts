import { and, asc, eq, ne } from 'drizzle-orm';
import type { Instant } from '../../time.ts';
import type { Database } from '../connection/database.ts';
import { backfills } from '../schema/index.ts';
import { isOpen, noteOrder } from './orders.ts';

/** Orders that wait for a running worker, and those that somebody has laid aside. */

/** Leaves an order that is not over to whichever worker is free. @returns whether it was to be had */
export async function leaveToWorkers(database: Database, id: number): Promise<boolean> {
  const left = await database.run('leave order to workers', (db) =>
    db
      .update(backfills)
      .set({ state: 'waiting', endedAt: null, message: null })
      .where(and(eq(backfills.id, id), isOpen))
      .returning({ id: backfills.id }),
  );
  return left.length > 0;
}

/** Lays an order aside until somebody resumes it; a process that works on it ends. @returns whether it was open */
export function pauseOrder(
  database: Database,
  id: number,
  now: Instant,
  message = 'paused by a person',
): Promise<boolean> {
  return database.transaction(async (tx) => {
    const paused = await database.run(
      'pause order',
      (db) =>
        db
          .update(backfills)
          .set({ state: 'paused', message })
          .where(and(eq(backfills.id, id), isOpen, ne(backfills.state, 'paused')))
          .returning({ id: backfills.id }),
      tx,
    );
    if (paused.length === 0) return false;
    await noteOrder(database, id, 'order paused', `order ${id} was laid aside by a person`, now, tx);
    return true;
  });
}

/** How many orders are looked at in one go. */
const mostWaiting = 20;

/** Orders that wait for a worker, the oldest first. */
export async function readWaitingOrders(database: Database): Promise<number[]> {
  const waiting = await database.run('read waiting orders', (db) =>
    db
      .select({ id: backfills.id })
      .from(backfills)
      .where(eq(backfills.state, 'waiting'))
      .orderBy(asc(backfills.id))
      .limit(mostWaiting),
  );
  return waiting.map(({ id }) => id);
}
