import { orderIsOver, requireOrder } from '../../backfill/order.ts';
import { displayedState } from '../../backfill/progress.ts';
import { pauseOrder } from '../../store/ledger/detached-orders.ts';
import { type BackfillOrder, endOrder, listOrders } from '../../store/ledger/orders.ts';
import { beijing, count, printJson, printTable, writeOut } from '../output.ts';
import type { CommandContext } from '../run.ts';

const mostListed = 50;

export async function list({ json }: { json?: true }, { runtime }: CommandContext): Promise<number> {
  const database = await runtime.openExistingDatabase();
  const orders = await listOrders(database, mostListed);
  const now = runtime.clock.now();
  if (json === true) {
    printJson(orders.map((order) => orderToJson(order, now)));
    return 0;
  }
  if (orders.length === 0) {
    writeOut('no backfill was ever ordered\n');
    return 0;
  }
  printTable(
    ['', 'state', 'from (Beijing)', 'to', '', 'tokens', 'values', 'calls'],
    orders.map((order) => [
      order.id,
      displayedState(order, now),
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
    state: displayedState(order, now),
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

/** Lays an order aside. @throws UserError where there is none, or it is over */
export async function pause(id: number, { runtime }: CommandContext): Promise<number> {
  const database = await runtime.openExistingDatabase();
  const { state } = await requireOrder(database, id);
  if (state === 'done' || state === 'cancelled') throw orderIsOver(id, state);
  await pauseOrder(database, id, runtime.clock.now());
  writeOut(`order ${id} is paused; \`backfill resume ${id}\` goes on with it\n`);
  return 0;
}

export async function cancel(id: number, { runtime }: CommandContext): Promise<number> {
  const database = await runtime.openExistingDatabase();
  const { state } = await requireOrder(database, id);
  if (state === 'done') throw orderIsOver(id, state);
  await endOrder(database, id, { state: 'cancelled', message: 'cancelled by a person' }, runtime.clock.now());
  writeOut(`order ${id} is cancelled; what it has fetched stays\n`);
  return 0;
}
