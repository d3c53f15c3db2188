import { setTimeout as sleep } from 'node:timers/promises';
import { summariseGaps } from '../../ingest/fill.ts';
import { readNewestAnswer } from '../../store/answers/requests.ts';
import type { Database } from '../../store/connection/database.ts';
import type { BackfillOrder } from '../../store/ledger/orders.ts';
import { count, describePlace, duration, printJson } from '../output.ts';
import type { CommandContext } from '../run.ts';
import type { Runtime } from '../runtime.ts';
import { orderToJson, requireOrder, scopeOf, shownState } from './orders.ts';

/** How far an order is, as the ledger tells: true after a restart, and from any terminal. */
interface ProgressSnapshot {
  readonly order: BackfillOrder;
  readonly valuesLeft: number;
  readonly requestsLeft: number;
  /** Share of the values ordered that are there, 0 to 1. */
  readonly done: number;
  /** Values a second since an earlier look; 0 at the first. */
  readonly rate: number;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

async function look(
  order: BackfillOrder,
  last: ProgressSnapshot | undefined,
  database: Database,
  runtime: Runtime,
): Promise<ProgressSnapshot> {
  const scope = await scopeOf(order, order.id, database, runtime);
  const summaries = order.state === 'done' ? [] : await summariseGaps(database, scope, runtime.packer());
  const valuesLeft = summaries.reduce((sum, { values }) => sum + values, 0);
  const total = Math.max(order.valuesOrdered ?? 0, valuesLeft);
  const at = runtime.clock.now();
  const since = last ?? { valuesLeft, at };
  return {
    order,
    valuesLeft,
    requestsLeft: summaries.reduce((sum, { requests }) => sum + requests, 0),
    done: total === 0 ? 1 : (total - valuesLeft) / total,
    rate: Math.max(0, ((since.valuesLeft - valuesLeft) * 1000) / Math.max(1, at - since.at)),
    at,
  };
}

const interval = 2000;

export async function watch(
  id: number | undefined,
  { json }: { json?: true },
  { runtime, signal }: CommandContext,
): Promise<number> {
  const database = await runtime.openDatabase(2);
  const first = await look(await requireOrder(database, id), undefined, database, runtime);
  let sight = first;
  if (shownState(sight.order, sight.at) === 'running') {
    // How fast it goes two looks tell: since the order was placed it may have rested for days.
    await sleep(interval, undefined, { signal }).catch(() => {});
    sight = await look(await requireOrder(database, sight.order.id), first, database, runtime);
  }
  if (json === true) {
    printJson(sightToJson(sight));
    return 0;
  }
  for (;;) {
    process.stdout.write(`${await describe(sight, database)}\n`);
    if (shownState(sight.order, sight.at) !== 'running') return 0;
    await sleep(interval, undefined, { signal }).catch(() => {});
    if (signal.aborted) return 0;
    sight = await look(await requireOrder(database, sight.order.id), first, database, runtime);
  }
}

async function describe(sight: ProgressSnapshot, database: Database): Promise<string> {
  const { order, done, valuesLeft, requestsLeft, rate, at } = sight;
  const newest = await readNewestAnswer(database, order);
  const state = shownState(order, at);
  const isRunning = state === 'running';
  const requests = `${count(requestsLeft)} requests`;
  const time = rate > 0 ? duration(valuesLeft / rate) : '?';
  const parts = [
    `order ${order.id}${isRunning ? '' : ` ${state}`}: ${(Math.floor(done * 1000) / 10).toFixed(1)} %`,
    ...(isRunning ? [`${count(rate)} values/s`, `${requests} and ${time} left`] : []),
    ...(!isRunning && valuesLeft > 0 ? [`${requests} left`] : []),
    ...(isRunning && newest !== undefined ? [describePlace(newest.granularity, newest.from)] : []),
  ];
  return parts.join(', ');
}

function sightToJson({ order, valuesLeft, requestsLeft, done, rate, at }: ProgressSnapshot): object {
  return { ...orderToJson(order, at), valuesLeft, requestsLeft, done, valuesPerSecond: rate };
}
