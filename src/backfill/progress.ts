import type { BackfillOrder } from '../store/ledger/orders.ts';
import type { Instant, Milliseconds } from '../time.ts';
import type { BackfillContext } from './context.ts';
import { readFillScope } from './scope.ts';
import { summariseGaps, totalOf } from './summary.ts';

/** How far an order is, as the ledger tells: true after a restart, and from any terminal. */
export interface ProgressSnapshot {
  readonly order: BackfillOrder;
  readonly valuesLeft: number;
  readonly requestsLeft: number;
  /** Share of the values ordered that are there, 0 to 1. */
  readonly done: number;
  /** Values a second since an earlier snapshot; 0 in the first. */
  readonly rate: number;
  readonly at: Instant;
}

/** @param earlier the snapshot since which the rate is measured */
export async function readProgress(
  order: BackfillOrder,
  earlier: ProgressSnapshot | undefined,
  context: BackfillContext,
): Promise<ProgressSnapshot> {
  const { database, packer, clock } = context;
  const scope = await readFillScope(order, order.id, context);
  const summaries = order.state === 'done' ? [] : await summariseGaps(database, scope, packer);
  const { values: valuesLeft, requests: requestsLeft } = totalOf(summaries);
  const at = clock.now();
  return { order, valuesLeft, requestsLeft, at, ...measure(order, { valuesLeft, at }, earlier) };
}

/** The share that is done and the rate since an earlier look. An order grows where more turns out to be there. */
export function measure(
  { valuesOrdered }: Pick<BackfillOrder, 'valuesOrdered'>,
  { valuesLeft, at }: Pick<ProgressSnapshot, 'valuesLeft' | 'at'>,
  earlier: Pick<ProgressSnapshot, 'valuesLeft' | 'at'> = { valuesLeft, at },
): Pick<ProgressSnapshot, 'done' | 'rate'> {
  const total = Math.max(valuesOrdered ?? 0, valuesLeft);
  return {
    done: total === 0 ? 1 : (total - valuesLeft) / total,
    rate: Math.max(0, ((earlier.valuesLeft - valuesLeft) * 1000) / Math.max(1, at - earlier.at)),
  };
}

/** Heartbeats come every two seconds; a process without one for so long has died, or lost the database. */
export const longestSilence: Milliseconds = 20_000;

/** The state as people should see it: an order that says it runs, without a process that works on it, does not. */
export function displayedState(
  { state, heartbeatAt, startedAt }: Pick<BackfillOrder, 'state' | 'heartbeatAt' | 'startedAt'>,
  now: Instant,
): string {
  return state === 'running' && now - (heartbeatAt ?? startedAt) > longestSilence ? 'died' : state;
}
