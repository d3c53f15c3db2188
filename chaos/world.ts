import { setTimeout as sleep } from 'node:timers/promises';
import { createDatabase, type TemporaryDatabase } from '../harness/databases.ts';
import { emptyTables } from '../harness/empty-tables.ts';
import { createTemporaryFolder, type TemporaryFolder } from '../harness/leftovers.ts';
import { type Environment, Member } from '../harness/processes.ts';
import type { BuiltProgram } from '../harness/program.ts';
import { PostgresServer, RedisServer, silent } from '../harness/servers.ts';
import { compareWithTruth, type Difference, rowNotWanted } from '../harness/truth.ts';
import { formatBeijingDate } from '../src/beijing.ts';
import { asToken, bundledCatalogue, bundledTokens, granularities } from '../src/catalog/index.ts';
import { systemClock } from '../src/clock.ts';
import { type WantedWindows, wantedWindows } from '../src/planning/plan.ts';
import { windowCount } from '../src/planning/windows.ts';
import { openQueueBackend, type QueueBackend } from '../src/queue/backend.ts';
import { planQueue } from '../src/queue/jobs.ts';
import { type Simulator, startSimulator } from '../src/simulator/index.ts';
import { Database } from '../src/store/connection/database.ts';
import { readGaps } from '../src/store/ledger/coverage.ts';
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

/** The cost of a fault. */
export interface Verdict {
  /** Cells that the API has and the database has not. */
  readonly lost: number;
  /** Cells that hold another value than the API's, or that nobody asked for. */
  readonly wrong: number;
  /** Rows that are there twice, and values that were written a second time. */
  readonly repeated: number;
  /** Cells that the ledger still calls missing. */
  readonly gaps: number;
  readonly cells: number;
  /** Processes that ended by themselves, or printed what they must not. */
  readonly complaints: readonly string[];
}

/** Those that v1 has, which the world speaks. */
const metrics = bundledCatalogue.served(bundledCatalogue.codes, 'v1');

const tokens = bundledTokens.slice(0, 8).map(({ token }) => token);
const recordLimit = 400;
const settleDelay = 15 * 60_000;

/** How long everything may take to heal, in milliseconds. */
const patience = 120_000;

export class World {
  readonly queue: QueueKind;
  readonly simulator: Simulator;
  readonly #folder: TemporaryFolder;
  /** `undefined` where the server is somebody else's. */
  readonly postgres: PostgresServer | undefined;
  /** `undefined` where the queue is in the database. */
  readonly redis: RedisServer | undefined;
  readonly #program: BuiltProgram;
  readonly #databaseUrl: string;
  /** The database that was created on somebody else's server. */
  readonly #given: TemporaryDatabase | undefined;
  readonly #historyStart: number;
  #database: Database;
  #backend: QueueBackend;
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
    readonly databaseUrl: string;
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
    this.#databaseUrl = parts.databaseUrl;
    this.#given = parts.given;
    this.#database = parts.database;
    this.#backend = parts.backend;
    this.#historyStart = Date.now() - parts.historyDays * 86_400_000;
    this.#scheduler = this.spawn('scheduler');
    this.#workers = [this.spawn('worker'), this.spawn('worker')];
  }

  static async create({ queue, seed, databaseUrl, program, historyDays = 6 }: WorldOptions): Promise<World> {
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
    const world = new World({
      queue,
      simulator,
      folder,
      postgres,
      redis,
      databaseUrl: url,
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

  /** Starts a process of the pipeline; {@link revive} does not. */
  spawn(role: 'scheduler' | 'worker' | 'migrate'): Member {
    const args = role === 'migrate' ? ['migrate'] : ['start', '--role', role];
    const name = `${role}-${this.#members.length}`;
    const member = new Member(name, this.#program, args, this.#folder.path, this.#environment());
    this.#members.push(member);
    return member;
  }

  #environment(): Environment {
    const { apiKey, signSecret, dataSecret, dataIv } = this.simulator.credentials;
    return {
      DATABASE_URL: this.#databaseUrl,
      ...(this.redis === undefined ? {} : { REDIS_URL: this.redis.url }),
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
    };
  }

  /** Starts anew whatever was killed. */
  async revive(): Promise<void> {
    if (!this.#scheduler.isRunning) this.#scheduler = this.spawn('scheduler');
    this.#workers = this.#workers.map((worker) => (worker.isRunning ? worker : this.spawn('worker')));
    await Promise.all([this.#scheduler, ...this.#workers].map((member) => member.ready()));
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
    await this.persist(() => emptyTables(this.#database));
    await this.tick(...granularities, 'tags');
  }

  /** Begins anew where less than half of all cells are missing: a disaster needs work to strike. */
  async beginWhereLittleIsLeft(): Promise<void> {
    const windows = [...this.#wanted()].reduce(
      (sum, [name, interval]) => sum + windowCount(name, interval),
      0,
    );
    const cells = windows * tokens.length * metrics.length;
    if ((await this.countMissing()) * 2 < cells) await this.begin();
  }

  /** Lets the clock strike: does now what the schedules would do within minutes. */
  async tick(...tasks: readonly string[]): Promise<void> {
    const queue = this.#backend.queue(planQueue);
    try {
      for (const task of tasks) await queue.add(task, { task });
    } finally {
      await queue.close();
    }
  }

  /** Repeats what the disaster that is under way may make fail. */
  async persist<T>(work: () => Promise<T>): Promise<T> {
    const deadline = performance.now() + patience;
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

  /** @throws Error where it does not come true */
  async until(what: string, isTrue: () => Promise<boolean>): Promise<void> {
    const deadline = performance.now() + patience;
    while (!(await isTrue())) {
      if (performance.now() > deadline) throw new Error(`${what}: not within ${patience / 1000} s`);
      await sleep(20);
    }
  }

  /** Waits until nothing is missing, as long as it makes sense to, and compares every cell with the API's truth. */
  async judge(): Promise<Verdict> {
    const deadline = performance.now() + patience;
    for (let round = 0; (await this.countMissing()) > 0 && performance.now() < deadline; round++) {
      if (round % 20 === 0) await this.tick('heal').catch(() => {});
      await sleep(100);
    }
    const wanted = this.#wanted();
    const gaps = await this.countMissing();
    const { market } = this.simulator;
    const { differences, cells } = await compareWithTruth(this.#database, market, tokens, wanted, Date.now());
    // A window that was fetched before it was due, because a clock ran ahead, is there early and right.
    const isEarly = ({ granularity, token, time, metric, stored }: Difference) =>
      metric === rowNotWanted &&
      Date.parse(time) >= (wanted.get(granularity)?.end ?? Number.POSITIVE_INFINITY) &&
      market.value(granularity, asToken(token), 'CO-A-01-01', Date.parse(time)) === stored;
    const real = differences.filter((each) => !isEarly(each));
    const lost = real.filter((each) => each.stored === null && each.true !== null).length;
    return {
      lost,
      wrong: real.length - lost,
      repeated: await this.#countRepeated(),
      gaps,
      cells,
      complaints: this.#members.flatMap((member) => member.complaint() ?? []),
    };
  }

  #wanted(): WantedWindows {
    const start = Date.parse(`${formatBeijingDate(this.#historyStart)}T00:00:00+08:00`);
    const now = Date.now();
    return wantedWindows({ start, end: now }, granularities, now, settleDelay, '08:00');
  }

  /** How many cells are missing. */
  async countMissing(): Promise<number> {
    let cells = 0;
    for (const [granularity, interval] of this.#wanted()) {
      const selection = { granularity, tokens, metrics, interval };
      for (const gap of await this.persist(() => readGaps(this.#database, selection))) {
        cells += gap.tokens.length * gap.metrics.length * windowCount(granularity, gap.interval);
      }
    }
    return cells;
  }

  async #countRepeated(): Promise<number> {
    const twice = granularities.map(
      (each) => `(select count(*) - count(distinct (token, time)) from cryptoracle.metrics_${each})`,
    );
    const { rows } = await this.#database.pool.query<{ repeated: number }>(
      `select (${twice.join(' + ')} + (select count(*) from cryptoracle.revisions))::int as repeated`,
    );
    return rows[0]?.repeated ?? 0;
  }

  /** Stops everything, the newest first, and leaves nothing behind. */
  async close(): Promise<void> {
    await Promise.all(this.#members.map((member) => member.kill()));
    await this.#backend.close();
    await this.#database.close();
    await this.simulator.close();
    await this.redis?.stop();
    await this.#given?.drop();
    await this.postgres?.stop();
    this.#folder.remove();
  }
}
