import { OrderRunner } from '../backfill/runner.ts';
import { TryLaterError } from '../errors.ts';
import { Notifier } from '../notify/notifier.ts';
import { openQueueBackend, type QueueBackend } from '../queue/backend.ts';
import { DatabaseWatch } from '../queue/database-watch.ts';
import { Fetcher } from '../queue/fetcher.ts';
import { fetchQueue, liveQueue, planQueue } from '../queue/jobs.ts';
import { PipelineClaim } from '../queue/pipeline-claim.ts';
import { Planner } from '../queue/planner.ts';
import { Scheduler } from '../queue/scheduler.ts';
import { Watchdog, type WatchedWork } from '../queue/watchdog.ts';
import type { Database } from '../store/connection/database.ts';
import { tryToEnd, tryToNote } from '../store/ledger/events.ts';
import { storePipelineRate } from '../store/limits/pipeline-rate.ts';
import type { Role } from './roles.ts';
import type { CommandContext } from './run.ts';
import type { Runtime } from './runtime.ts';

/** @param mayBeAway whether a Redis that is away is waited for */
export async function openQueue(
  runtime: Runtime,
  database: Database,
  mayBeAway = false,
): Promise<QueueBackend> {
  const { settings, log, clock } = runtime;
  const backend = await openQueueBackend({
    ...{ redisUrl: settings.redisUrl, prefix: settings.queuePrefix, database, log, clock, mayBeAway },
  });
  runtime.onClose('queue', () => backend.close());
  return backend;
}

/** Starts planning and fetching; both end when the runtime closes. @returns what watches over them */
export async function startPipeline(
  context: CommandContext,
  database: Database,
  backend: QueueBackend,
  role: Role,
): Promise<Watchdog> {
  const { runtime } = context;
  const watched: WatchedWork[] = [];
  const databaseWatch = new DatabaseWatch(database, runtime.clock, runtime.log);
  runtime.onClose('database watch', () => databaseWatch.stop());
  databaseWatch.start();
  // First of all: what is wanted decides what of the daily budget is kept for it.
  const isScheduling = role === 'all' || role === 'scheduler';
  if (isScheduling) await claimPipeline(context, database);
  if (role === 'all' || role === 'worker') {
    watched.push(await startFetcher(runtime, database, backend, databaseWatch));
  }
  if (isScheduling) watched.push(await startScheduler(runtime, database, backend, databaseWatch));
  if (isScheduling) startNotifier(runtime, database, backend);
  const message = `a process of the pipeline started: ${role}, the queue in ${backend.kind === 'redis' ? 'Redis' : 'the database'}`;
  await tryToNote(database, runtime.log, {
    kind: 'started',
    at: runtime.clock.now(),
    subject: role,
    message,
  });
  return watch(context, database, watched);
}

async function claimPipeline({ runtime, fail }: CommandContext, database: Database): Promise<void> {
  const { settings, log, clock } = runtime;
  const claim = new PipelineClaim({ database, desired: settings, clock, log, onLost: fail });
  await claim.take();
  await storePipelineRate(database, settings);
  runtime.onClose('pipeline', () => claim.release());
}

async function startFetcher(
  runtime: Runtime,
  database: Database,
  backend: QueueBackend,
  databaseWatch: DatabaseWatch,
): Promise<WatchedWork> {
  const { settings, log, clock } = runtime;
  const ingestor = await runtime.ingestor(database);
  const fetcher = new Fetcher({
    ...{ backend, ingestor, database, databaseWatch, clock, log },
    concurrency: settings.fetchConcurrency,
  });
  runtime.onClose('fetcher', () => fetcher.stop());
  await fetcher.start();
  const orders = new OrderRunner({ context: runtime.backfill(database), ingestor, log });
  runtime.onClose('orders', () => orders.stop());
  orders.start();
  return watchQueues(runtime, backend, 'fetching', [liveQueue, fetchQueue], () => fetcher.lastEndedAt);
}

async function startScheduler(
  runtime: Runtime,
  database: Database,
  backend: QueueBackend,
  databaseWatch: DatabaseWatch,
): Promise<WatchedWork> {
  const { settings, clock, log } = runtime;
  const ingestor = await runtime.ingestor(database);
  const queues = { liveQueue: backend.queue(liveQueue), fetchQueue: backend.queue(fetchQueue) };
  for (const [name, queue] of Object.entries(queues)) runtime.onClose(name, () => queue.close());
  const planner = new Planner({
    ...{ database, ...queues, clock, log, settings },
    rateLimiter: await runtime.rateLimiter(database),
    packer: runtime.packer(),
  });
  const scheduler = new Scheduler({
    ...{ backend, database, databaseWatch, planner, ingestor, clock, log, settings },
  });
  runtime.onClose('scheduler', () => scheduler.stop());
  await scheduler.start();
  return watchQueues(runtime, backend, 'planning', [planQueue], () => scheduler.lastEndedAt);
}

function startNotifier(runtime: Runtime, database: Database, backend: QueueBackend): void {
  const { settings, clock, log } = runtime;
  const { notifyWebhook: webhook } = settings;
  if (webhook === undefined) return;
  const notifier = new Notifier({
    ...{ database, clock, log, stated: settings, webhook, fetch: runtime.fetch },
    queueProblem: backend.problem,
    dataDir: settings.databaseUrl === undefined ? settings.dataDir : undefined,
  });
  runtime.onClose('notifier', () => notifier.stop());
  notifier.start();
}

function watchQueues(
  runtime: Runtime,
  backend: QueueBackend,
  name: string,
  queueNames: readonly string[],
  lastEndedAt: () => number,
): WatchedWork {
  const queues = queueNames.map((each) => backend.queue(each));
  for (const queue of queues) runtime.onClose(`${name} watch`, () => queue.close());
  const hasWork = async () => {
    if (backend.problem() !== undefined) return false;
    const counts = await Promise.all(
      queues.map((queue) => queue.getJobCounts('active', 'waiting', 'prioritized')),
    );
    return counts.some((states) => Object.values(states).some((count) => count > 0));
  };
  return { name, hasWork, lastEndedAt };
}

/** The API may ask for ten minutes of silence; beyond that, and two turns, no wait is of its making. Milliseconds. */
const longestSilence = 720_000;

function watch(
  { runtime, fail }: CommandContext,
  database: Database,
  work: readonly WatchedWork[],
): Watchdog {
  const { log, settings, clock } = runtime;
  const tellAfter = longestSilence + (2 * 1000) / settings.requestsPerSecond;
  const watchdog = new Watchdog({
    ...{ work, log, tellAfter, giveUpAfter: tellAfter * 1.5 },
    onChange: async ({ name, seconds }, isStalled) => {
      const at = clock.now();
      const stall = { kind: 'stalled', subject: name } as const;
      if (!isStalled) return void (await tryToEnd(database, log, stall, at));
      const message = `${name} made no progress for ${seconds} s while work waited`;
      await tryToNote(database, log, { ...stall, at: at - seconds * 1000, until: at, isOpen: true, message });
    },
    giveUp: ({ name, seconds }) =>
      fail(
        new TryLaterError(
          `${name} has made no progress for ${seconds} s; its supervisor should start it anew`,
        ),
      ),
  });
  runtime.onClose('watchdog', async () => watchdog.stop());
  watchdog.start();
  return watchdog;
}

/** Settles when the signal is aborted. */
export function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((done) => {
    if (signal.aborted) done();
    else signal.addEventListener('abort', () => done(), { once: true });
  });
}
