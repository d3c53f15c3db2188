import { and, desc, eq, notInArray, sql } from 'drizzle-orm';
import type { Granularity, MetricCode, Token } from '../../catalog/index.ts';
import type { Interval } from '../../planning/interval.ts';
import type { Instant, Milliseconds } from '../../time.ts';
import type { Database, Transaction } from '../connection/database.ts';
import type { BackfillState } from '../schema/backfills.ts';
import { backfills, refreshed } from '../schema/index.ts';
import { type EventKind, noteEvent } from './events.ts';

/** Backfill orders: what somebody wants filled, and how far it is. Any process may work on one, one at a time. */

export interface BackfillScope {
  readonly range: Interval;
  readonly granularities: readonly Granularity[];
  readonly tokens: readonly Token[];
  readonly metrics: readonly MetricCode[];
  /** Whether everything is asked for again, answered or not. */
  readonly refresh: boolean;
  /** Whether tokens are asked for even in granularities that the API does not have for them. */
  readonly evenUnavailable: boolean;
}

export type { BackfillState } from '../schema/backfills.ts';

export interface BackfillOrder extends BackfillScope {
  readonly id: number;
  readonly state: BackfillState;
  /** Values missing when it was placed, and the requests they took; `undefined` for orders of old. */
  readonly valuesOrdered: number | undefined;
  readonly requestsPlanned: number | undefined;
  readonly requestsSent: number;
  readonly startedAt: Instant;
  readonly heartbeatAt: Instant | undefined;
  readonly endedAt: Instant | undefined;
  readonly message: string | undefined;
}

/** Enters an order. @returns its number */
export function placeOrder(
  database: Database,
  scope: BackfillScope,
  price: { readonly values: number; readonly requests: number },
  now: Instant,
): Promise<number> {
  const { range, granularities, tokens, metrics, refresh, evenUnavailable } = scope;
  return database.transaction(async (tx) => {
    const [row] = await database.run(
      'place order',
      (db) =>
        db
          .insert(backfills)
          .values({
            windowsFrom: range.start,
            windowsTo: range.end,
            granularities: [...granularities],
            tokens: [...tokens],
            metrics: [...metrics],
            refresh,
            evenUnavailable,
            state: 'running',
            valuesOrdered: price.values,
            requestsPlanned: price.requests,
            startedAt: now,
            heartbeatAt: now,
          })
          .returning({ id: backfills.id }),
      tx,
    );
    const id = row?.id ?? 0;
    const amount = `${price.values.toLocaleString('en-US')} values in ${price.requests.toLocaleString('en-US')} calls`;
    await noteOrder(database, id, 'order placed', `order ${id} was placed: ${amount}`, now, tx);
    return id;
  });
}

/** An order that is tried again and again, and stops each time, is one event a day. */
const sameOrder: Milliseconds = 86_400_000;

export async function noteOrder(
  database: Database,
  id: number,
  kind: EventKind,
  message: string,
  now: Instant,
  tx: Transaction,
): Promise<void> {
  await noteEvent(database, { kind, at: now, subject: String(id), message, joinsWithin: sameOrder }, tx);
}

function asOrder({ windowsFrom, windowsTo, ...row }: typeof backfills.$inferSelect): BackfillOrder {
  return {
    ...row,
    range: { start: windowsFrom, end: windowsTo },
    valuesOrdered: row.valuesOrdered ?? undefined,
    requestsPlanned: row.requestsPlanned ?? undefined,
    heartbeatAt: row.heartbeatAt ?? undefined,
    endedAt: row.endedAt ?? undefined,
    message: row.message ?? undefined,
  };
}

/** The newest orders, the newest first. */
export async function listOrders(database: Database, most: number): Promise<BackfillOrder[]> {
  const rows = await database.run('list orders', (db) =>
    db.select().from(backfills).orderBy(desc(backfills.id)).limit(most),
  );
  return rows.map(asOrder);
}

export async function readOrder(database: Database, id: number): Promise<BackfillOrder | undefined> {
  const rows = await database.run('read order', (db) =>
    db.select().from(backfills).where(eq(backfills.id, id)),
  );
  return rows.map(asOrder)[0];
}

/** Whether an order is neither done nor cancelled. */
export const isOpen = notInArray(backfills.state, ['done', 'cancelled']);

/** The newest order that is neither done nor cancelled. */
export async function readOpenOrder(database: Database): Promise<BackfillOrder | undefined> {
  const rows = await database.run('read open order', (db) =>
    db.select().from(backfills).where(isOpen).orderBy(desc(backfills.id)).limit(1),
  );
  return rows.map(asOrder)[0];
}

/**
 * Takes an order up again.
 * @param worker who works on it now, as people are told
 * @param onlyWaiting whether it has to be waiting for a worker still: somebody may have paused it a moment ago
 * @returns whether it was to be had: neither done nor cancelled, maybe a moment ago
 */
export async function reopenOrder(
  database: Database,
  id: number,
  now: Instant,
  worker: string,
  onlyWaiting = false,
): Promise<boolean> {
  const isToBeHad = onlyWaiting ? eq(backfills.state, 'waiting') : isOpen;
  const reopened = await database.run('reopen order', (db) =>
    db
      .update(backfills)
      .set({ state: 'running', heartbeatAt: now, endedAt: null, message: worker })
      .where(and(eq(backfills.id, id), isToBeHad))
      .returning({ id: backfills.id }),
  );
  return reopened.length > 0;
}

/** Says that the order is being worked on, and what it took since the last time. @returns its state, as anyone set it */
export async function recordHeartbeat(
  database: Database,
  id: number,
  calls: number,
  now: Instant,
): Promise<BackfillState | undefined> {
  const [row] = await database.run('record heartbeat', (db) =>
    db
      .update(backfills)
      .set({ requestsSent: sql`${backfills.requestsSent} + ${calls}`, heartbeatAt: now })
      .where(eq(backfills.id, id))
      .returning({ state: backfills.state }),
  );
  return row?.state;
}

/**
 * The decision of a person stays: only a person cancels, and an order that was paused, or resumed since for the next worker,
 * ends only where nothing is left.
 */
function mayEndAs(state: BackfillState) {
  if (state === 'cancelled') return undefined;
  const decided: BackfillState[] = state === 'done' ? ['cancelled'] : ['cancelled', 'paused', 'waiting'];
  return notInArray(backfills.state, decided);
}

/** Ends an order, unless it was cancelled, paused or resumed meanwhile. The ledger of a refresh is let go. */
export async function endOrder(
  database: Database,
  id: number,
  end: {
    readonly state: Exclude<BackfillState, 'running' | 'waiting' | 'paused'>;
    readonly message: string | undefined;
  },
  now: Instant,
): Promise<void> {
  await database.transaction(async (tx) => {
    const ended = await database.run(
      'end order',
      (db) =>
        db
          .update(backfills)
          .set({ state: end.state, message: end.message ?? null, endedAt: now })
          .where(and(eq(backfills.id, id), mayEndAs(end.state)))
          .returning({ id: backfills.id }),
      tx,
    );
    if (ended.length > 0) {
      const message =
        end.message === undefined ? `order ${id} is ${end.state}` : `order ${id}: ${end.message}`;
      await noteOrder(database, id, `order ${end.state}`, message, now, tx);
    }
    if (end.state === 'done' || end.state === 'cancelled') await forgetRefresh(database, id, tx);
  });
}

/** Lets the ledger of a refresh go. */
export async function forgetRefresh(database: Database, id: number, tx?: Transaction): Promise<void> {
  await database.run('forget refresh', (db) => db.delete(refreshed).where(eq(refreshed.backfill, id)), tx);
}

/**
 * Works on an order while nobody else does. A process that dies lets go of it.
 * @returns `undefined` where another process works on it
 */
export function workOnOrder<T>(
  database: Database,
  id: number,
  work: () => Promise<T>,
): Promise<T | undefined> {
  return database.exclusivelyIfFree(`backfill ${id}`, work);
}
