import { and, eq } from 'drizzle-orm';
import type { Instant } from '../../time.ts';
import type { Database } from '../connection/database.ts';
import type { Reader } from '../connection/reader.ts';
import { backfills, events } from '../schema/index.ts';
import { pauseOrder } from './detached-orders.ts';
import { endEvent, noteEvent } from './events.ts';
import { isOpen } from './orders.ts';

/**
 * All history laid aside by a person: neither the pipeline's own nor that of orders is asked for until it is resumed. The
 * newest windows and the holes of the last days go on. An event that goes on says so, for every process to see.
 */

const kind = 'history paused';

const orderMessage = 'paused with all history';

/** Since when history is laid aside; `undefined` where it is not. */
export async function readHistoryPause(reader: Pick<Reader, 'run'>): Promise<Instant | undefined> {
  const [row] = await reader.run('read history pause', (db) =>
    db
      .select({ at: events.at })
      .from(events)
      .where(and(eq(events.kind, kind), eq(events.isOpen, true)))
      .limit(1),
  );
  return row?.at;
}

/** Lays all history aside, and every order that runs or waits. @returns whether it was not before */
export async function pauseHistory(database: Database, now: Instant): Promise<boolean> {
  const isNew = await noteEvent(database, {
    ...{ kind, at: now, isOpen: true },
    message: 'all history was laid aside by a person: newer windows go on',
  });
  const open = await database.run('read moving orders', (db) =>
    db.select({ id: backfills.id, state: backfills.state }).from(backfills).where(isOpen),
  );
  const moving = open.filter(({ state }) => state === 'running' || state === 'waiting');
  for (const { id } of moving) await pauseOrder(database, id, now, orderMessage);
  return isNew;
}

/** Has history go on, and the orders that were laid aside with it; those go to the workers. @returns whether it was paused */
export async function resumeHistory(database: Database, now: Instant): Promise<boolean> {
  const wasPaused = await endEvent(database, { kind }, now);
  await database.run('resume orders', (db) =>
    db
      .update(backfills)
      .set({ state: 'waiting', endedAt: null, message: null })
      .where(and(eq(backfills.state, 'paused'), eq(backfills.message, orderMessage))),
  );
  return wasPaused;
}
