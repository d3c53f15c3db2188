import { OrderRunner } from '../backfill/runner.ts';
import { openQueueBackend, type QueueBackend } from '../queue/backend.ts';
import { Fetcher } from '../queue/fetcher.ts';
import { fetchQueue, liveQueue } from '../queue/jobs.ts';
import { Planner } from '../queue/planner.ts';
import { Scheduler } from '../queue/scheduler.ts';
import type { Database } from '../store/connection/database.ts';
import { storeDesiredScope } from '../store/ledger/desired-scope.ts';
import type { Runtime } from './runtime.ts';

/** What a process of `start` does. */
export const roles = ['all', 'scheduler', 'worker', 'server'] as const;
export type Role = (typeof roles)[number];

export async function openQueue(runtime: Runtime, database: Database): Promise<QueueBackend> {
  const backend = await openQueueBackend({
    redisUrl: runtime.settings.redisUrl,
    database,
    log: runtime.log,
  });
  runtime.onClose('queue', () => backend.close());
  return backend;
}

/** Starts planning and fetching; both end when the runtime closes. */
export async function startPipeline(
  runtime: Runtime,
  database: Database,
  backend: QueueBackend,
  role: Role,
): Promise<void> {
  const { settings, clock, log } = runtime;
  const isScheduling = role === 'all' || role === 'scheduler';
  // First of all: what is wanted decides what of the daily budget is kept for it.
  if (isScheduling) await storeDesiredScope(database, settings);
  const ingestor = await runtime.ingestor(database);
  if (role === 'all' || role === 'worker') {
    const fetcher = new Fetcher({ backend, ingestor, log, concurrency: settings.fetchConcurrency });
    runtime.onClose('fetcher', () => fetcher.stop());
    await fetcher.start();
    const orders = new OrderRunner({ context: runtime.backfill(database), ingestor, log });
    runtime.onClose('orders', () => orders.stop());
    orders.start();
  }
  if (isScheduling) {
    const queues = { liveQueue: backend.queue(liveQueue), fetchQueue: backend.queue(fetchQueue) };
    for (const [name, queue] of Object.entries(queues)) runtime.onClose(name, () => queue.close());
    const planner = new Planner({
      database,
      ...queues,
      rateLimiter: await runtime.rateLimiter(database),
      packer: runtime.packer(),
      clock,
      log,
      settings,
    });
    const scheduler = new Scheduler({ backend, database, planner, ingestor, clock, log, settings });
    runtime.onClose('scheduler', () => scheduler.stop());
    await scheduler.start();
  }
}

/** Settles when the signal is aborted. */
export function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((done) => {
    if (signal.aborted) done();
    else signal.addEventListener('abort', () => done(), { once: true });
  });
}
