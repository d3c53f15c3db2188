import { randomBytes } from 'node:crypto';
import type { Logger } from 'pino';
import { describe, inject } from 'vitest';
import type { Clock } from '../../src/clock.ts';
import type { Settings } from '../../src/config.ts';
import { parseSettings } from '../../src/config.ts';
import { Packer } from '../../src/planning/packing.ts';
import { openQueueBackend, type QueueBackend } from '../../src/queue/backend.ts';
import { DatabaseWatch } from '../../src/queue/database-watch.ts';
import { Fetcher } from '../../src/queue/fetcher.ts';
import { fetchQueue, liveQueue, planQueue } from '../../src/queue/jobs.ts';
import { Planner } from '../../src/queue/planner.ts';
import { Scheduler } from '../../src/queue/scheduler.ts';
import { findTask } from '../../src/queue/tasks.ts';
import type { Simulator } from '../../src/simulator/index.ts';
import type { Database } from '../../src/store/connection/database.ts';
import { statedRecords } from '../../src/store/ledger/record-rules.ts';
import { RateLimiter } from '../../src/store/limits/rate-limiter.ts';
import { createIngestor } from './api.ts';
import { v1Metrics } from './catalogue.ts';
import { day, minute } from './clock.ts';
import { type ServerKind, serverUrl, silent } from './database.ts';

/** A whole pipeline, as `start` runs it, in the test's own process. */

export type QueueKind = 'Redis' | 'PostgreSQL';

/**
 * Runs the suite with each queue backend, and on each database server that is to be had; not on every pair of them,
 * which would take twice as long and tell the same.
 */
export function describeOnBackends(
  name: string,
  suite: (queue: QueueKind, server: ServerKind) => void,
): void {
  for (const server of ['plain PostgreSQL', 'TimescaleDB'] as const) {
    for (const queue of ['PostgreSQL', 'Redis'] as const) {
      const isOnlyServer = serverUrl('TimescaleDB') === null || inject('redisUrl') === null;
      if (!isOnlyServer && (queue === 'Redis') !== (server === 'TimescaleDB')) continue;
      const isMissing = serverUrl(server) === null || (queue === 'Redis' && inject('redisUrl') === null);
      describe.skipIf(isMissing)(`${name} with the queue in ${queue} on ${server}`, () =>
        suite(queue, server),
      );
    }
  }
}

/** The queue for what is the same with either: Redis takes a fifth of the time. */
export function quickerQueue(): QueueKind {
  return inject('redisUrl') === null ? 'PostgreSQL' : 'Redis';
}

/**
 * Settings of a pipeline that speaks v1 and wants the metrics that v1 has, so that everything wanted can come. A call more
 * at a time is a connection more, which costs a twentieth of a second.
 */
export function testSettings(environment: Record<string, string>): Settings {
  return parseSettings({
    CRYPTORACLE_API_VERSION: 'v1',
    METRICS: v1Metrics.join(),
    REQUESTS_PER_SECOND: '5000',
    FETCH_CONCURRENCY: '3',
    ...environment,
  });
}

/** Keeps the queues of one test apart from all others on the same Redis. */
export function openTestQueue(kind: QueueKind, database: Database, prefix = randomBytes(6).toString('hex')) {
  return openQueueBackend({
    redisUrl: kind === 'Redis' ? (inject('redisUrl') ?? undefined) : undefined,
    database,
    log: silent,
    prefix,
  });
}

/**
 * The backend with schedules that are not due before the test has ended. BullMQ lets them fire by the machine's clock: at
 * a quarter past, a plan would come into the middle of a test, whose own clock stands still.
 */
function withoutTicks(backend: QueueBackend): QueueBackend {
  const queue = (name: string) => {
    const made = backend.queue(name);
    const upsert = made.upsertJobScheduler.bind(made);
    const upsertJobScheduler: typeof upsert = (id, schedule, template) => {
      const at = new Date(Date.now() + (findTask(id)?.longestWait ?? day));
      return upsert(id, { ...schedule, tz: 'UTC', pattern: onlyAt(at) }, template);
    };
    return Object.assign(made, { upsertJobScheduler });
  };
  return { ...backend, queue };
}

/** The cron pattern, in UTC, of an instant of every year. */
const onlyAt = (at: Date) =>
  [at.getUTCSeconds(), at.getUTCMinutes(), at.getUTCHours(), at.getUTCDate(), at.getUTCMonth() + 1, '*'].join(
    ' ',
  );

export interface RunningPipeline {
  readonly backend: QueueBackend;
  readonly planner: Planner;
  /** Settles once both queues are empty. */
  idle(): Promise<void>;
  stop(): Promise<void>;
}

export async function runPipeline(options: {
  readonly database: Database;
  readonly simulator: Simulator;
  readonly clock: Clock;
  readonly settings: Settings;
  readonly backend: QueueBackend;
  readonly roles?: readonly ('scheduler' | 'worker')[];
  readonly log?: Logger;
  /** How often the schedules are checked: with the queue in the database that is a statement for each of them. */
  readonly watchInterval?: number;
  /** How long nothing is asked for while it cannot be stored. */
  readonly outagePause?: number;
}): Promise<RunningPipeline> {
  const {
    database,
    simulator,
    clock,
    settings,
    backend,
    roles = ['scheduler', 'worker'],
    log = silent,
    watchInterval = minute,
    outagePause = 300,
  } = options;
  const rateLimiter = new RateLimiter(database, settings.requestsPerSecond);
  const ingestor = createIngestor(database, simulator, clock, {
    rateLimiter,
    log,
    stated: statedRecords(settings),
    settleDelay: settings.settleDelay,
    lookbackWindows: settings.lookbackWindows,
    probeInterval: 300,
  });
  const fetches = backend.queue(fetchQueue);
  const lives = backend.queue(liveQueue);
  const plans = backend.queue(planQueue);
  const packer = new Packer({ limit: settings.recordLimit, unit: settings.recordUnit, extraRecords: 0 });
  const planner = new Planner({
    ...{ database, liveQueue: lives, fetchQueue: fetches, packer, clock, log, settings },
    rateLimiter,
  });
  const databaseWatch = new DatabaseWatch(database, clock, log);
  const scheduler = new Scheduler({
    ...{ database, databaseWatch, planner, ingestor, clock, log, settings },
    backend: withoutTicks(backend),
    watchInterval,
  });
  const fetcher = new Fetcher({
    ...{ backend, ingestor, database, databaseWatch, clock, log },
    concurrency: settings.fetchConcurrency,
    outagePause,
  });
  if (roles.includes('worker')) await fetcher.start();
  if (roles.includes('scheduler')) await scheduler.start();

  const waiting = async () => {
    const states = ['active', 'waiting', 'prioritized'] as const;
    const counts = await Promise.all([
      fetches.getJobCounts(...states, 'delayed'),
      lives.getJobCounts(...states, 'delayed'),
      plans.getJobCounts(...states),
    ]);
    const known = counts.flatMap((count) => Object.values(count)).reduce((sum, count) => sum + count, 0);
    if (known > 0) return known;
    // Delayed plans are the next ticks of the clock, and further plans where there is more to fetch. To read each of them
    // takes most of the time of asking.
    return (await plans.getJobs(['delayed'])).filter((job) => job?.name.startsWith('more-')).length;
  };
  return {
    backend,
    planner,
    idle: async () => {
      for (let quiet = 0; quiet < 3; ) {
        await new Promise((resolve) => setTimeout(resolve, 100));
        quiet = (await waiting()) === 0 ? quiet + 1 : 0;
      }
    },
    stop: async () => {
      await Promise.all([scheduler.stop(), fetcher.stop()]);
      await Promise.all([fetches.close(), lives.close(), plans.close()]);
      await backend.close();
    },
  };
}
