import { setTimeout as sleep } from 'node:timers/promises';
import { requireOrder } from '../../backfill/order.ts';
import { displayedState, type ProgressSnapshot, readProgress } from '../../backfill/progress.ts';
import { readNewestAnswer } from '../../store/answers/requests.ts';
import type { Database } from '../../store/connection/database.ts';
import { count, duration, printJson, writeOut } from '../output.ts';
import type { CommandContext } from '../run.ts';
import { type Times, timesIn } from '../times.ts';
import { orderToJson } from './orders.ts';

const interval = 2000;

export async function watch(
  id: number | undefined,
  { json, utc }: { readonly json?: true; readonly utc?: true },
  { runtime, signal }: CommandContext,
): Promise<number> {
  const times = timesIn(utc);
  const database = await runtime.openExistingDatabase();
  const context = runtime.backfill(database);
  const first = await readProgress(await requireOrder(database, id), undefined, context);
  let snapshot = first;
  if (displayedState(snapshot.order, snapshot.at) === 'running') {
    // Two snapshots give the rate: since the order was placed it may have rested for days.
    await sleep(interval, undefined, { signal }).catch(() => {});
    snapshot = await readProgress(await requireOrder(database, snapshot.order.id), first, context);
  }
  if (json === true) {
    printJson(snapshotToJson(snapshot));
    return 0;
  }
  for (;;) {
    writeOut(`${await describe(snapshot, database, times)}\n`);
    if (displayedState(snapshot.order, snapshot.at) !== 'running') return 0;
    await sleep(interval, undefined, { signal }).catch(() => {});
    if (signal.aborted) return 0;
    snapshot = await readProgress(await requireOrder(database, snapshot.order.id), first, context);
  }
}

async function describe(snapshot: ProgressSnapshot, database: Database, times: Times): Promise<string> {
  const { order, done, valuesLeft, requestsLeft, rate, at } = snapshot;
  const newest = await readNewestAnswer(database, order);
  const state = displayedState(order, at);
  const isRunning = state === 'running';
  const requests = `${count(requestsLeft)} requests`;
  const time = rate > 0 ? duration(valuesLeft / rate) : '?';
  const parts = [
    `order ${order.id}${isRunning ? '' : ` ${state}`}: ${(Math.floor(done * 1000) / 10).toFixed(1)} %`,
    ...(isRunning ? [`${count(rate)} values/s`, `${requests} and ${time} left`] : []),
    ...(!isRunning && valuesLeft > 0 ? [`${requests} left`] : []),
    ...(isRunning && newest !== undefined
      ? [`at ${newest.granularity} ${times.minute(newest.from)} (${times.zone})`]
      : []),
  ];
  return parts.join(', ');
}

function snapshotToJson({ order, valuesLeft, requestsLeft, done, rate, at }: ProgressSnapshot): object {
  return { ...orderToJson(order, at), valuesLeft, requestsLeft, done, valuesPerSecond: rate };
}
