import { setTimeout as sleep } from 'node:timers/promises';
import { createDatabase, type TemporaryDatabase } from '../harness/databases.ts';
import { emptyTables } from '../harness/empty-tables.ts';
import { createTemporaryFolder, type TemporaryFolder } from '../harness/leftovers.ts';
import { type Environment, Member } from '../harness/processes.ts';
import type { BuiltProgram } from '../harness/program.ts';
import { Relay } from '../harness/relay.ts';
import { PostgresServer, RedisServer, silent } from '../harness/servers.ts';
import { formatBeijingDate } from '../src/beijing.ts';
import { bundledTokens, granularities } from '../src/catalog/index.ts';
import { systemClock } from '../src/clock.ts';
import { type WantedWindows, wantedWindows } from '../src/planning/plan.ts';
import { type JobQueue, openQueueBackend, type QueueBackend } from '../src/queue/backend.ts';
import { fetchQueue, liveQueue, planQueue } from '../src/queue/jobs.ts';
import { type Simulator, startSimulator } from '../src/simulator/index.ts';
import { Database } from '../src/store/connection/database.ts';
import { migrate } from '../src/store/setup/migrate.ts';

/**
 * A whole installation that may be broken: database, queue, a simulated API whose truth stands still, a scheduler and
 * workers as processes of their own.
 */

export type QueueKind = 'Redis' | 'PostgreSQL';

export interface WorldOptions {
  readonly queue: QueueKind;
  /** Decides what the API's data are and which of its answers fail. */
  readonly seed: number;
  /** A server to use instead of one of our own, e.g. with TimescaleDB; it is neither restarted nor starved. */
  readonly databaseUrl?: string | undefined;
  /** How much is fetched; 6 by default. */
  readonly historyDays?: number;
  readonly program: BuiltProgram;
}

/** The tokens that are fetched. */
export const tokens = bundledTokens.slice(0, 8).map(({ token }) => token);
const recordLimit = 400;
const settleDelay = 15 * 60_000;

/** How long everything may take to heal, in milliseconds. */
export const healingTime = 120_000;

/** A relay for each server; `undefined` where there is none. */
interface Ways {
  readonly database: Relay;
  readonly redis: Relay | undefined;
}

export class World {
  readonly queue: QueueKind;
  readonly simulator: Simulator;
  readonly #folder: TemporaryFolder;
  /** `undefined` where the server is somebody else's. */
  readonly postgres: PostgresServer | undefined;
  /** `undefined` where the queue is in the database. */
  readonly redis: RedisServer | undefined;
  readonly #program: BuiltProgram;
  /** The ways by which the processes reach the servers. */
  readonly #ways: Ways;
  /** The database that was created on somebody else's server. */
  readonly #given: TemporaryDatabase | undefined;
  readonly #historyStart: number;
  /** Settings that differ from the usual ones, until the next {@link restart}. */
  #changes: Environment = {};
  #database: Database;
  #backend: QueueBackend;
  readonly #plans: JobQueue;
  #scheduler: Member;
  #workers: Member[] = [];
  /** Also those that were killed: what they printed counts. */
  readonly #members: Member[] = [];

  private constructor(parts: {
    readonly queue: QueueKind;
    readonly simulator: Simulator;
    readonly folder: TemporaryFolder;
    readonly postgres: PostgresServer | undefined;
    readonly redis: RedisServer | undefined;
    readonly ways: Ways;
    readonly given: TemporaryDatabase | undefined;
    readonly database: Database;
    readonly backend: QueueBackend;
    readonly program: BuiltProgram;
    readonly historyDays: number;
  }) {
    this.queue = parts.queue;
    this.simulator = parts.simulator;
    this.#folder = parts.folder;
    this.postgres = parts.postgres;
    this.redis = parts.redis;
    this.#program = parts.program;
    this.#ways = parts.ways;
    this.#given = parts.given;
    this.#database = parts.database;
    this.#backend = parts.backend;
    this.#plans = parts.backend.queue(planQueue);
    this.#historyStart = Date.now() - parts.historyDays * 86_400_000;
    this.#scheduler = this.spawn('scheduler');
    this.#workers = [this.spawn('worker'), this.spawn('worker')];
  }

  static async create({ queue, seed, databaseUrl, program, historyDays = 3 }: WorldOptions): Promise<World> {
    const folder = createTemporaryFolder('chaos');
    const postgres = databaseUrl === undefined ? await PostgresServer.start() : undefined;
    const given = databaseUrl === undefined ? undefined : await createDatabase(databaseUrl);
    const redis = queue === 'Redis' ? await RedisServer.start() : undefined;
    const url = postgres?.url ?? given?.url ?? '';
    const database = new Database(url, { connections: 4 });
    await migrate(database, systemClock, silent);
    // Late and changed values are not at issue here: what is stored once must never be written again.
    const simulator = await startSimulator({
      seed,
      market: { lateShare: 0, changedShare: 0, provisional: false },
      behaviour: { recordLimit },
    });
    const backend = await openQueueBackend({ redisUrl: redis?.url, database, log: silent });
    const ways = {
      database: await Relay.open(url, 5432),
      redis: redis === undefined ? undefined : await Relay.open(redis.url, 6379),
    };
    const world = new World({
      queue,
      simulator,
      folder,
      postgres,
      redis,
      ways,
      given,
      database,
      backend,
      program,
      historyDays,
    });
    await Promise.all(world.#members.map((member) => member.ready()));
    return world;
  }

  get database(): Database {
    return this.#database;
  }

  get workers(): readonly Member[] {
    return this.#workers;
  }

  get scheduler(): Member {
    return this.#scheduler;
  }

  /** Processes that ended by themselves, or printed what they must not. */
  complaints(): string[] {
    return this.#members.flatMap((member) => member.complaint() ?? []);
  }

  /** Starts a process of the pipeline; {@link revive} does not. */
  spawn(role: 'scheduler' | 'worker', environment: Environment = {}): Member {
    return this.#start(role, ['start', '--role', role], environment);
  }

  /** Starts a command beside the pipeline, as a person would. */
  command(args: readonly string[], environment: Environment = {}): Member {
    return this.#start(args[0] ?? '', args, environment);
  }

  #start(what: string, args: readonly string[], environment: Environment): Member {
    const member = new Member(`${what}-${this.#members.length}`, this.#program, args, this.#folder.path, {
      ...this.#environment(),
      ...environment,
    });
    this.#members.push(member);
    return member;
  }

  #environment(): Environment {
    const { apiKey, signSecret, dataSecret, dataIv } = this.simulator.credentials;
    return {
      DATABASE_URL: this.#ways.database.url,
      ...(this.#ways.redis === undefined ? {} : { REDIS_URL: this.#ways.redis.url }),
      CRYPTORACLE_BASE_URL: this.simulator.url,
      CRYPTORACLE_API_KEY: apiKey,
      CRYPTORACLE_SIGN_SECRET: signSecret,
      CRYPTORACLE_DATA_SECRET: dataSecret,
      CRYPTORACLE_DATA_IV: dataIv,
      TOKENS: tokens.join(),
      HISTORY_START: formatBeijingDate(this.#historyStart),
      RECORD_LIMIT: String(recordLimit),
      REQUESTS_PER_SECOND: '40',
      FETCH_CONCURRENCY: '4',
      ...this.#changes,
    };
  }

  /** Starts anew whatever was killed. */
  async revive(): Promise<void> {
    if (!this.#scheduler.isRunning) this.#scheduler = this.spawn('scheduler');
    this.#workers = this.#workers.map((worker) => (worker.isRunning ? worker : this.spawn('worker')));
    await Promise.all([this.#scheduler, ...this.#workers].map((member) => member.ready()));
  }

  /** Silences every connection of the processes that is open now; new ones pass. */
  silenceConnections(): void {
    this.#ways.database.silence('open ones');
    this.#ways.database.recover();
    this.#ways.redis?.silence('open ones');
    this.#ways.redis?.recover();
  }

  /** Ends every process of the pipeline; {@link revive} starts them anew. */
  async killAll(): Promise<void> {
    await Promise.all([this.#scheduler, ...this.#workers].map((member) => member.kill()));
  }

  /** Starts every process of the pipeline anew, with settings that differ from the usual ones. */
  async restart(changes: Environment): Promise<void> {
    await this.killAll();
    this.#changes = changes;
    await this.revive();
  }

  /** Has this share of all calls fail, in every way that an API fails, besides slow answers and a pause. */
  failInAllWays(share: number): void {
    const kinds = ['error500', 'error503', 'cutConnection', 'garbage', 'unknownCode', 'cutShort'] as const;
    this.simulator.setFaults({
      ...Object.fromEntries(kinds.map((kind) => [kind, { probability: share / kinds.length }])),
      slow: { probability: 0.1, milliseconds: 300 },
      throttle: { probability: 0.01, retryAfterSeconds: 1 },
    });
  }

  /** Empties the database and has everything fetched again. */
  async begin(): Promise<void> {
    this.simulator.setFaults({});
    await this.persist(() => emptyTables(this.#database.pool));
    await this.tick(...granularities, 'tags');
  }

  /** Lets the clock strike: does now what the schedules would do within minutes. */
  async tick(...tasks: readonly string[]): Promise<void> {
    for (const task of tasks) await this.#plans.add(task, { task });
  }

  /** Whether all that was to be planned is planned. A clock that strikes before that would hold up the older windows. */
  async hasPlanned(): Promise<boolean> {
    const counts = await this.#plans.getJobCounts('active', 'waiting', 'prioritized');
    return Object.values(counts).every((count) => count === 0);
  }

  /** {@link tick}, and leaves time for what is planned then to be fetched. */
  async tickAndWait(task: string): Promise<void> {
    await this.tick(task);
    await this.until('everything is planned', () => this.hasPlanned());
    await sleep(500);
  }

  /** Repeats what the disaster that is under way may make fail. */
  async persist<T>(work: () => Promise<T>): Promise<T> {
    const deadline = performance.now() + healingTime;
    for (;;) {
      try {
        return await work();
      } catch (error) {
        if (performance.now() > deadline) throw error;
        await sleep(200);
      }
    }
  }

  /** Settles once so many calls have been answered since the beginning. */
  async answered(calls: number): Promise<void> {
    await this.until(`${calls} answers`, async () => {
      const { rows } = await this.#database.pool.query<{ answered: boolean }>(
        "select count(*) >= $1 as answered from cryptoracle.requests where outcome = 'answered'",
        [calls],
      );
      return rows[0]?.answered === true;
    });
  }

  /** What each queue holds, what the database is at, and what each process said last: to find out why nothing goes on. */
  async describe(): Promise<string> {
    const queues = await Promise.all(
      [planQueue, liveQueue, fetchQueue].map(async (name) => {
        const queue = this.#backend.queue(name);
        const jobs = await queue.getJobs(['active', 'waiting', 'prioritized', 'delayed']);
        await queue.close();
        return `${name}: ${JSON.stringify(jobs.map((job) => [job?.id, job?.attemptsStarted, job?.delay]))}`;
      }),
    );
    const { rows } = await this.#database.pool.query(
      `select state, wait_event, now() - xact_start as since, left(query, 120) as query from pg_stat_activity
       where datname = current_database() and pid <> pg_backend_pid() and state <> 'idle'`,
    );
    const said = this.#members.filter(({ isRunning }) => isRunning).map((member) => member.lastSaid());
    return [...queues, JSON.stringify(rows), ...said].join('\n');
  }

  /** @throws Error where it does not come true */
  async until(what: string, isTrue: () => Promise<boolean>): Promise<void> {
    const deadline = performance.now() + healingTime;
    while (!(await isTrue())) {
      if (performance.now() > deadline) throw new Error(`${what}: not within ${healingTime / 1000} s`);
      await sleep(50);
    }
  }

  /** All that is wanted, for commands. */
  get range(): { readonly from: string; readonly to: string } {
    return { from: formatBeijingDate(this.#historyStart), to: new Date().toISOString() };
  }

  /** The windows that everything is measured against. */
  wanted(): WantedWindows {
    const start = Date.parse(`${formatBeijingDate(this.#historyStart)}T00:00:00+08:00`);
    const now = Date.now();
    return wantedWindows({ start, end: now }, granularities, now, settleDelay, '08:00');
  }

  /** Stops everything, the newest first, and leaves nothing behind. */
  async close(): Promise<void> {
    await Promise.all(this.#members.map((member) => member.kill()));
    await this.#plans.close();
    await this.#backend.close();
    await this.#database.close();
    await this.simulator.close();
    await this.#ways.database.close();
    await this.#ways.redis?.close();
    await this.redis?.stop();
    await this.#given?.drop();
    await this.postgres?.stop();
    this.#folder.remove();
  }
}
