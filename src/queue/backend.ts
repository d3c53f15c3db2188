import {
  createPostgresBackend,
  type Processor,
  Queue,
  type QueueOptions,
  Worker,
  type WorkerOptions,
  withBackend,
} from 'bullmq';
import type { Redis } from 'ioredis';
import type { Pool } from 'pg';
import type { Logger } from 'pino';
import { type Clock, systemClock } from '../clock.ts';
import { TryLaterError } from '../errors.ts';
import type { Database } from '../store/connection/database.ts';
import { createPool } from '../store/connection/pool.ts';
import { tryToEnd, tryToNote } from '../store/ledger/events.ts';
import type { Milliseconds } from '../time.ts';
import { queuePrefix } from './identity.ts';
import { PostgresWatch } from './postgres-watch.ts';
import { createRedis, isEvicting, probeRedis, type RedisFacts } from './redis-server.ts';
import { RedisWatch } from './redis-watch.ts';
import { ensureQueueMigrated } from './schema.ts';

/** A job that waits, is put off or is being worked off. */
export interface UnfinishedJob {
  readonly name: string;
  /** Checked by whoever reads it. */
  readonly data: unknown;
}

/** The part of a BullMQ queue that the program uses, whatever its backend. Job data are checked where they are read. */
export type JobQueue = Pick<
  Queue<object, void, string>,
  | 'add'
  | 'addBulk'
  | 'getJobs'
  | 'getJobCounts'
  | 'upsertJobScheduler'
  | 'getJobSchedulers'
  | 'remove'
  | 'removeJobScheduler'
  | 'setGlobalConcurrency'
  | 'waitUntilReady'
  | 'close'
> & {
  /** All of its jobs that are not over, however many, at the price of one question. */
  readonly unfinished: () => Promise<readonly UnfinishedJob[]>;
};

/** The part of a BullMQ worker that the program uses. */
export type JobWorker = Pick<Worker<object, void, string>, 'close' | 'waitUntilReady'>;

/** Thrown by a processor: the job goes back to where it waited, and nobody counts that as a failure. */
export const rateLimitError = () => Worker.RateLimitError();

export type JobProcessor = Processor<object, void, string>;

/**
 * Where BullMQ keeps its jobs: Redis, or the database itself where there is no Redis. Everything else in the program is
 * the same for both.
 */
export interface QueueBackend {
  readonly kind: 'redis' | 'postgres';
  queue(name: string): JobQueue;
  worker(name: string, processor: JobProcessor, options: Pick<WorkerOptions, 'concurrency'>): JobWorker;
  /**
   * The obstacle that keeps the queue from working, such as a Redis that takes no writes; `undefined` where there is
   * none.
   */
  readonly problem: () => string | undefined;
  close(): Promise<void>;
}

export interface QueueBackendOptions {
  readonly redisUrl: string | undefined;
  readonly database: Database;
  readonly log: Logger;
  readonly clock?: Clock;
  /** QUEUE_PREFIX, which keeps queues that share a Redis apart; by default the database's own. */
  readonly prefix?: string | undefined;
  /**
   * After how long without an answer a connection to Redis is given up, and made anew; longer than BullMQ waits for a job
   * at a time, which is ten seconds at most.
   */
  readonly silence?: Milliseconds;
  /** Whether a Redis that is away is waited for: then it is no error, and {@link QueueBackend.problem} tells. */
  readonly mayBeAway?: boolean;
}

/** Opens the queue's backend. @throws UserError or TryLaterError where it cannot be reached */
export async function openQueueBackend(options: QueueBackendOptions): Promise<QueueBackend> {
  const { redisUrl, database, log } = options;
  if (redisUrl === undefined) return openPostgres(database, log);
  const prefix = await queuePrefix(database, options.prefix);
  return openRedis(redisUrl, prefix, options);
}

/** Losing the Redis several times within it is one outage, in milliseconds. */
const sameOutage = 60_000;

async function noteOutage(
  { database, log, clock = systemClock }: QueueBackendOptions,
  problem: string | undefined,
): Promise<void> {
  const at = clock.now();
  if (problem === undefined) {
    await tryToEnd(database, log, { kind: 'queue outage' }, at);
    return;
  }
  const message = `the Redis of the queue takes no writes: ${problem}`;
  await tryToNote(database, log, {
    kind: 'queue outage',
    at,
    isOpen: true,
    message,
    joinsWithin: sameOutage,
  });
}

/**
 * Jobs leave no trace once they are over: what was done is in the database, and a finished id would block its next
 * use.
 */
const jobOptions = { removeOnComplete: true, removeOnFail: true, attempts: 1 } as const;

/** BullMQ reconnects by itself; an error event that nobody hears would end the process. */
function quieten<T extends { on(event: 'error', listener: (error: Error) => void): unknown }>(
  source: T,
  log: Logger,
): T {
  source.on('error', (error) =>
    log.debug({ error: error.message }, 'the queue lost its backend for a moment'),
  );
  return source;
}

const usualSilence: Milliseconds = 20_000;

/** Silence after which the operating system asks the Redis whether it is still there. */
const keepAliveDelay: Milliseconds = 10_000;

/** Milliseconds until the next attempt to connect. */
const patiently = (times: number): Milliseconds => Math.min(times * 200, 5000);

/** A Redis that drops jobs harms nothing for good: they are planned again, but later. */
function warnOfEviction({ evictionPolicy }: RedisFacts, log: Logger): void {
  if (!isEvicting(evictionPolicy)) return;
  log.warn(
    { policy: evictionPolicy },
    'the Redis of the queue drops jobs when its memory is full: set its maxmemory-policy to noeviction',
  );
}

async function openRedis(url: string, prefix: string, options: QueueBackendOptions): Promise<QueueBackend> {
  const { log, mayBeAway = false, silence = usualSilence } = options;
  const onChange = (problem: string | undefined) => noteOutage(options, problem);
  try {
    warnOfEviction(await probeRedis(url), log);
  } catch (error) {
    if (!mayBeAway || !(error instanceof TryLaterError)) throw error;
  }
  const connections: Redis[] = [];
  // Connections are opened at once, and so are those that BullMQ makes like them: it never again uses one that it was left
  // to open itself, where the first try failed.
  const connect = (maxRetriesPerRequest: number | null) => {
    const redis = createRedis(url, {
      maxRetriesPerRequest,
      keepAlive: keepAliveDelay,
      socketTimeout: silence,
      retryStrategy: patiently,
      sentinelRetryStrategy: patiently,
    });
    redis.on('error', (error) => log.debug({ error: error.message }, 'redis'));
    connections.push(redis);
    return redis;
  };
  const shared = connect(null);
  const watch = new RedisWatch(connect(0), prefix, log, undefined, onChange);
  await watch.check();
  const base = { connection: shared, prefix } satisfies QueueOptions;
  return {
    kind: 'redis',
    queue: (name) => {
      const queue = new Queue<object, void, string>(name, { ...base, defaultJobOptions: jobOptions });
      const unfinished = () => queue.getJobs(['active', 'waiting', 'prioritized', 'delayed']);
      return Object.assign(quieten(queue, log), { unfinished });
    },
    worker: (name, processor, workerOptions) =>
      quieten(
        new Worker<object, void, string>(name, processor, { ...base, ...workerOptions, ...stallOptions }),
        log,
      ),
    problem: () => watch.problem,
    close: async () => {
      watch.stop();
      for (const connection of connections) connection.disconnect();
    },
  };
}

/** A dead worker's jobs go to another within 20 s; however often that happens, the job is tried again. */
const stallOptions = { lockDuration: 15_000, stalledInterval: 5000, maxStalledCount: 10 } as const;

/**
 * Connections of all queues and workers of a process together. Each of the three workers listens on one of them; new ones
 * are slow until the server has read its catalogue for each, so that many are worse than few.
 */
export const queueConnections = 8;

/** The queue's statements take milliseconds; one that has no answer for so long is on a connection that went silent. */
const queryTimeout = 20_000;

/** Reads jobs by one statement: BullMQ's own `getJobs` sends one for each. */
async function readUnfinished(pool: Pool, queue: string): Promise<readonly UnfinishedJob[]> {
  const { rows } = await pool.query<UnfinishedJob>(
    "select name, data from job where queue = $1 and state in ('active', 'waiting', 'delayed')",
    [queue],
  );
  return rows;
}

async function openPostgres(database: Database, log: Logger): Promise<QueueBackend> {
  await ensureQueueMigrated(database);
  const onPostgres = withBackend(createPostgresBackend);
  type Connection = NonNullable<ConstructorParameters<typeof onPostgres.Queue>[1]>['connection'];
  // BullMQ listens to a connection only from a moment after it was made, and not while it is lent; one that is cut just
  // then would end the process. In a pool of our own every connection has a listener from the start.
  const pool = createPool(database.url, {
    ...{ connections: queueConnections, searchPath: 'bullmq', queryTimeout },
    // Jobs that a crash forgets are planned again, and those that it brings back find their cells answered.
    mayLoseCommits: true,
  });
  // Every queue and worker listens to it.
  pool.setMaxListeners(0);
  pool.on('error', (error) => log.debug({ error: error.message }, 'the queue lost a connection'));
  // BullMQ describes a pool by hand, and not quite as pg does; it takes one of pg's all the same.
  const connection = pool as unknown as Connection;
  // Only where jobs are worked off is it looked for those that were lost.
  let watch: PostgresWatch | undefined;
  return {
    kind: 'postgres',
    queue: (name) => {
      const options = { connection, defaultJobOptions: jobOptions };
      const queue = new onPostgres.Queue<object, void, string>(name, options);
      return Object.assign(quieten(queue, log), { unfinished: () => readUnfinished(pool, name) });
    },
    worker: (name, processor, workerOptions) => {
      watch ??= new PostgresWatch(pool, log);
      const options = { connection, ...workerOptions, ...stallOptions };
      return quieten(new onPostgres.Worker<object, void, string>(name, processor, options), log);
    },
    problem: () => undefined,
    close: async () => {
      watch?.stop();
      // Ends when whoever still has a connection gives it back.
      void pool.end().catch(() => {});
    },
  };
}
