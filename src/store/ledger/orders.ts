import { type SQL, sql } from 'drizzle-orm';
import type { Granularity, MetricCode, Token } from '../../catalog/index.ts';
import type { Interval } from '../../planning/interval.ts';
import type { Database, Transaction } from '../connection/database.ts';

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

/** `waiting`: left to the workers, none of which has taken it up yet. `paused`: laid aside by a person. */
export type BackfillState = 'waiting' | 'running' | 'paused' | 'done' | 'stopped' | 'failed' | 'cancelled';

/** Instants are milliseconds since the epoch. */
export interface BackfillOrder extends BackfillScope {
  readonly id: number;
  readonly state: BackfillState;
  /** Values missing when it was placed, and the requests they took; `undefined` for orders of old. */
  readonly valuesOrdered: number | undefined;
  readonly requestsPlanned: number | undefined;
  readonly requestsSent: number;
  readonly startedAt: number;
  readonly heartbeatAt: number | undefined;
  readonly endedAt: number | undefined;
  readonly message: string | undefined;
}

const at = (instant: number) => sql`${new Date(instant).toISOString()}::timestamptz`;

/** Enters an order. @returns its number */
export async function placeOrder(
  database: Database,
  scope: BackfillScope,
  price: { readonly values: number; readonly requests: number },
  now: number,
): Promise<number> {
  const { range, granularities, tokens, metrics, refresh, evenUnavailable } = scope;
  const [row] = await database.query<{ id: number }>(
    'place order',
    sql`
      insert into cryptoracle.backfills
        (windows_from, windows_to, granularities, tokens, metrics, refresh, even_unavailable, state,
         values_ordered, requests_planned, started_at, beat_at)
      values (${at(range.start)}, ${at(range.end)}, ${sql.param(granularities)}::text[],
        ${sql.param(tokens)}::text[], ${sql.param(metrics)}::text[], ${refresh}, ${evenUnavailable}, 'running',
        ${price.values}, ${price.requests}, ${at(now)}, ${at(now)})
      returning id::float8 as id`,
  );
  return row?.id ?? 0;
}

interface OrderRow extends Record<string, unknown> {
  readonly id: number;
  readonly start: number;
  readonly end: number;
  readonly granularities: Granularity[];
  readonly tokens: Token[];
  readonly metrics: MetricCode[];
  readonly refresh: boolean;
  readonly evenUnavailable: boolean;
  readonly state: BackfillState;
  readonly valuesOrdered: number | null;
  readonly requestsPlanned: number | null;
  readonly requestsSent: number;
  readonly startedAt: number;
  readonly heartbeatAt: number | null;
  readonly endedAt: number | null;
  readonly message: string | null;
}

async function readOrders(database: Database, which: SQL): Promise<BackfillOrder[]> {
  const ms = (column: string) => sql`(extract(epoch from ${sql.identifier(column)}) * 1000)::float8`;
  const rows = await database.query<OrderRow>(
    'read orders',
    sql`
      select id::float8 as id, ${ms('windows_from')} as start, ${ms('windows_to')} as "end", granularities, tokens,
        metrics, refresh, even_unavailable as "evenUnavailable", state, values_ordered::float8 as "valuesOrdered", requests_planned as "requestsPlanned",
        requests_sent as "requestsSent", ${ms('started_at')} as "startedAt", ${ms('beat_at')} as "heartbeatAt",
        ${ms('ended_at')} as "endedAt", message
      from cryptoracle.backfills ${which}`,
  );
  return rows.map(({ start, end, ...row }) => ({
    ...row,
    range: { start, end },
    valuesOrdered: row.valuesOrdered ?? undefined,
    requestsPlanned: row.requestsPlanned ?? undefined,
    heartbeatAt: row.heartbeatAt ?? undefined,
    endedAt: row.endedAt ?? undefined,
    message: row.message ?? undefined,
  }));
}

/** The newest orders, the newest first. */
export function listOrders(database: Database, most: number): Promise<BackfillOrder[]> {
  return readOrders(database, sql`order by id desc limit ${most}`);
}

export async function readOrder(database: Database, id: number): Promise<BackfillOrder | undefined> {
  const [order] = await readOrders(database, sql`where id = ${id}`);
  return order;
}

/** The newest order that is neither done nor cancelled. */
export async function readOpenOrder(database: Database): Promise<BackfillOrder | undefined> {
  const [order] = await readOrders(
    database,
    sql`where state not in ('done', 'cancelled') order by id desc limit 1`,
  );
  return order;
}

/**
 * Takes an order up again.
 * @param onlyWaiting whether it has to be waiting for a worker still: somebody may have paused it a moment ago
 * @returns whether it was to be had: neither done nor cancelled, maybe a moment ago
 */
export async function reopenOrder(
  database: Database,
  id: number,
  now: number,
  onlyWaiting = false,
): Promise<boolean> {
  const reopened = await database.query(
    'reopen order',
    sql`
      update cryptoracle.backfills
      set state = 'running', beat_at = ${at(now)}, ended_at = null, message = null
      where id = ${id} and state not in ('done', 'cancelled') and (state = 'waiting' or not ${onlyWaiting}::boolean)
      returning id`,
  );
  return reopened.length > 0;
}

/** Says that the order is being worked on, and what it took since the last time. @returns its state, as anyone set it */
export async function recordHeartbeat(
  database: Database,
  id: number,
  calls: number,
  now: number,
): Promise<BackfillState | undefined> {
  const [row] = await database.query<{ state: BackfillState }>(
    'beat order',
    sql`
      update cryptoracle.backfills
      set requests_sent = requests_sent + ${calls}, beat_at = ${at(now)}
      where id = ${id}
      returning state`,
  );
  return row?.state;
}

/** Ends an order, unless it was cancelled or paused meanwhile. What only a refresh in progress needs is let go. */
export async function endOrder(
  database: Database,
  id: number,
  end: {
    readonly state: Exclude<BackfillState, 'running' | 'waiting' | 'paused'>;
    readonly message: string | undefined;
  },
  now: number,
): Promise<void> {
  await database.transaction(async (tx) => {
    await database.query(
      'end order',
      sql`
        update cryptoracle.backfills
        set state = ${end.state}, message = ${end.message ?? null}, ended_at = ${at(now)}
        where id = ${id} and (state <> 'cancelled' or ${end.state} = 'cancelled')
          and (state <> 'paused' or ${end.state} in ('done', 'cancelled'))`,
      tx,
    );
    if (end.state === 'done' || end.state === 'cancelled') await forgetRefresh(database, id, tx);
  });
}

/** Lets the ledger of a refresh go. */
export async function forgetRefresh(database: Database, id: number, tx?: Transaction): Promise<void> {
  await database.query('forget refresh', sql`delete from cryptoracle.refreshed where backfill = ${id}`, tx);
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
