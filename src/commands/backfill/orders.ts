import type { BackfillContext } from '../../backfill/context.ts';
import { orderIsOver, requireOpenOrder, requireOrder } from '../../backfill/order.ts';
import { displayedState, readProgress } from '../../backfill/progress.ts';
import { pauseOrder } from '../../store/ledger/detached-orders.ts';
import { type BackfillOrder, endOrder, listOrders } from '../../store/ledger/orders.ts';
import { visibleLine } from '../../terminal.ts';
import { count, counted, percent, printJson, writeOut } from '../output.ts';
import type { CommandContext } from '../run.ts';
import { type Times, timesIn, wrapped } from '../times.ts';

const mostListed = 50;

export async function list(
  { json, utc }: { readonly json?: true; readonly utc?: true },
  { runtime }: CommandContext,
): Promise<number> {
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
  const times = timesIn(utc);
  const done = await readShares(orders, runtime.backfill(database));
  writeOut(`order  state      placed (${times.zone})  ended               done     calls\n`);
  for (const order of orders) writeOut(describe(order, done.get(order.id), times, now));
  return 0;
}

/** Open orders whose share is worked out: each takes a look at the ledger. */
const mostMeasured = 5;

/** Shares of the values ordered that are there, 0 to 1, as far as they are known. */
async function readShares(
  orders: readonly BackfillOrder[],
  context: BackfillContext,
): Promise<ReadonlyMap<number, number>> {
  const shares = new Map<number, number>();
  const open = orders.filter(({ state }) => state !== 'done' && state !== 'cancelled').slice(0, mostMeasured);
  for (const order of open) shares.set(order.id, (await readProgress(order, undefined, context)).done);
  for (const { id, state } of orders) if (state === 'done') shares.set(id, 1);
  return shares;
}

/** A line with how it stands, one with what was ordered, and why it ended where it is not done. */
function describe(order: BackfillOrder, done: number | undefined, times: Times, now: number): string {
  const { id, range, granularities, tokens, valuesOrdered, requestsSent, message } = order;
  const share = done === undefined ? '-' : percent(done, 1);
  const state = displayedState(order, now);
  const head = [
    ...[String(id).padStart(5), state.padEnd(9), times.minute(order.startedAt)],
    ...[times.minute(order.endedAt).padEnd(16), share.padStart(7), count(requestsSent).padStart(8)],
  ];
  const ordered = [
    `${times.minute(range.start)} to ${times.minute(range.end)}`,
    granularities.join(),
    counted(tokens.length, 'token'),
    ...(valuesOrdered === undefined ? [] : [counted(valuesOrdered, 'value')]),
    ...(order.refresh ? ['everything again'] : []),
  ];
  const help = state === 'died' ? [`nothing is heard of it; \`backfill resume ${id}\` goes on with it`] : [];
  const reason = [...(message === undefined ? [] : [visibleLine(message)]), ...help]
    .map((line) => wrapped(line, indent))
    .join('');
  return `${head.join('  ')}\n${wrapped(ordered.join(', '), indent)}${reason}`;
}

const indent = '       ';

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
  await requireOpenOrder(database, id);
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
