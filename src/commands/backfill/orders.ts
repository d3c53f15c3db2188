import { UserError } from '../../errors.ts';
import type { FillScope } from '../../ingest/fill.ts';
import { wantedWindows } from '../../planning/plan.ts';
import type { Database } from '../../store/connection/database.ts';
import {
  type BackfillOrder,
  type BackfillScope,
  type BackfillState,
  endOrder,
  listOrders,
  readOpenOrder,
  readOrder,
} from '../../store/ledger/orders.ts';
import { readScope } from '../../store/ledger/scope.ts';
import { beijing, count, printJson, printTable } from '../output.ts';
import type { CommandContext } from '../run.ts';
import type { Runtime } from '../runtime.ts';

/** What there is to fill in the range of an order: what it names, less what the API is known not to give. */
export async function scopeOf(
  { range, granularities, tokens, metrics, refresh, evenUnavailable }: BackfillScope,
  id: number | undefined,
  database: Database,
  { clock, settings }: Runtime,
): Promise<FillScope> {
  const now = clock.now();
  const wanted = wantedWindows(range, granularities, now, settings.settleDelay);
  const scope = await readScope(database, { tokens, metrics, tags: [], evenUnavailable }, now);
  return { ...scope, wanted, refreshOf: refresh ? id : undefined };
}

/** The order of that number, or the newest that is not done. @throws UserError where there is none */
export async function requireOrder(database: Database, id: number | undefined): Promise<BackfillOrder> {
  const order = id === undefined ? await readOpenOrder(database) : await readOrder(database, id);
  if (order !== undefined) return order;
  throw new UserError(
    id === undefined
      ? 'there is no order that is not done; `backfill list` shows all of them'
      : `there is no order ${id}; \`backfill list\` shows all of them`,
  );
}

/** What is said of an order that can neither be taken up again nor given up. */
export const over = (id: number, state: BackfillState) =>
  new UserError(state === 'done' ? `order ${id} is done already` : `order ${id} was cancelled`);

/** Longest time between two signs of life of a process that works on an order, in milliseconds. */
const longestSilence = 60_000;

/** The state as people should see it: an order that says it runs, without a process that works on it, does not. */
export function shownState({ state, heartbeatAt, startedAt }: BackfillOrder, now: number): string {
  return state === 'running' && now - (heartbeatAt ?? startedAt) > longestSilence ? 'died' : state;
}

const mostListed = 50;

export async function list({ json }: { json?: true }, { runtime }: CommandContext): Promise<number> {
  const database = await runtime.openDatabase(2);
  const orders = await listOrders(database, mostListed);
  const now = runtime.clock.now();
  if (json === true) {
    printJson(orders.map((order) => orderToJson(order, now)));
    return 0;
  }
  if (orders.length === 0) {
    process.stdout.write('no backfill was ever ordered\n');
    return 0;
  }
  printTable(
    ['', 'state', 'from (Beijing)', 'to', '', 'tokens', 'values', 'calls'],
    orders.map((order) => [
      order.id,
      shownState(order, now),
      beijing(order.range.start).slice(0, 10),
      beijing(order.range.end).slice(0, 10),
      order.granularities.join(),
      order.tokens.length,
      order.valuesOrdered === undefined ? '-' : count(order.valuesOrdered),
      count(order.requestsSent),
    ]),
  );
  return 0;
}

/** Instants in ISO 8601 (UTC), `null` for what is not. */
export function orderToJson(order: BackfillOrder, now: number): object {
  const iso = (instant: number | undefined) =>
    instant === undefined ? null : new Date(instant).toISOString();
  const { range, ...rest } = order;
  return {
    ...rest,
    state: shownState(order, now),
    from: iso(range.start),
    to: iso(range.end),
    valuesOrdered: order.valuesOrdered ?? null,
    requestsPlanned: order.requestsPlanned ?? null,
    startedAt: iso(order.startedAt),
    heartbeatAt: iso(order.heartbeatAt),
    endedAt: iso(order.endedAt),
    message: order.message ?? null,
  };
}

export async function cancel(id: number, { runtime }: CommandContext): Promise<number> {
  const database = await runtime.openDatabase(2);
  const { state } = await requireOrder(database, id);
  if (state === 'done') throw over(id, state);
  await endOrder(database, id, { state: 'cancelled', message: 'cancelled by a person' }, runtime.clock.now());
  process.stdout.write(`order ${id} is cancelled; what it has fetched stays\n`);
  return 0;
}
