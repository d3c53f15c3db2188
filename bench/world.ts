import { spawnSync } from 'node:child_process';
import { withClient } from '../harness/client.ts';
import { createDatabase } from '../harness/databases.ts';
import { createTemporaryFolder } from '../harness/leftovers.ts';
import { bundleProgram, type Program } from '../harness/program.ts';
import { findPython } from '../harness/python.ts';
import { PostgresServer, RedisServer, silent } from '../harness/servers.ts';
import { bundledCatalogue, bundledTokens, type Catalogue, type Token } from '../src/catalog/index.ts';
import { systemClock } from '../src/clock.ts';
import { Database } from '../src/store/connection/database.ts';
import { migrate } from '../src/store/setup/migrate.ts';
import type { Milliseconds } from '../src/time.ts';
import type { Figure } from './figure.ts';
import { Recorder, type RecorderKind } from './recorder/index.ts';

/** What benches run on and with. Everything is started when it is first asked for, and ended by {@link World.close}. */

export interface Size {
  readonly tokens: number;
  /** Days of history that are filled. */
  readonly days: number;
  /** Newest windows that are waited for. */
  readonly windows: number;
  /** Days of history that are filled from an API that takes its time. */
  readonly daysAtLatency: number;
  /** How often what is quick is measured. */
  readonly rounds: number;
  /** Whether answers are recorded by a run of their own before the run that counts. */
  readonly isRecorded: boolean;
  readonly queues: readonly ('PostgreSQL' | 'Redis')[];
  /** Days of stored values that questions are asked about. */
  readonly loadedDays: number;
  /** How long processes are watched. */
  readonly watched: Milliseconds;
  /** The amounts of each that the time of a value is compared at. */
  readonly scale: Readonly<Record<'days' | 'tokens' | 'metrics', readonly number[]>>;
}

const scale = { days: [1, 7, 30, 90], tokens: [50, 200, 1000], metrics: [13, 50] };

export const sizes = {
  /** Seconds, for a test that every bench works. Its ratios mean nothing. */
  tiny: {
    tokens: 4,
    days: 1,
    daysAtLatency: 1,
    windows: 1,
    rounds: 2,
    isRecorded: false,
    queues: ['PostgreSQL'],
    ...{ loadedDays: 2, watched: 2000 },
    scale: { days: [1, 2], tokens: [4, 8], metrics: [13, 14] },
  },
  small: {
    tokens: 200,
    days: 1,
    daysAtLatency: 2,
    windows: 3,
    rounds: 5,
    isRecorded: true,
    queues: ['PostgreSQL', 'Redis'],
    ...{ loadedDays: 30, watched: 15_000, scale },
  },
  /** The sizes that the goals are about. */
  full: {
    tokens: 200,
    days: 2,
    daysAtLatency: 10,
    windows: 5,
    rounds: 9,
    isRecorded: true,
    queues: ['PostgreSQL', 'Redis'],
    ...{ loadedDays: 365, watched: 60_000, scale },
  },
} as const satisfies Readonly<Record<string, Size>>;

export type SizeName = keyof typeof sizes;

/** A database server, as results name it. */
export interface Server {
  readonly name: string;
  readonly url: string;
}

/** A measurement that is made by itself. */
export interface Bench {
  readonly name: string;
  /** What it compares with what, in a line. */
  readonly about: string;
  /** Whether it is run once on each server. */
  readonly needsDatabase: boolean;
  run(world: World): Promise<readonly Figure[]>;
}

export class World {
  readonly size: Size;
  readonly #server: Server | undefined;
  readonly #releasers: (() => Promise<unknown>)[] = [];
  #program: Promise<Program> | undefined;
  readonly #recorders = new Map<RecorderKind, Promise<Recorder>>();

  constructor(size: Size, server?: Server) {
    this.size = size;
    this.#server = server;
  }

  get tokens(): readonly Token[] {
    return bundledTokens.slice(0, this.size.tokens).map(({ token }) => token);
  }

  /** @throws Error in a bench that says that it needs no database */
  get server(): Server {
    if (this.#server === undefined) throw new Error('this bench was given no server');
    return this.#server;
  }

  /** An empty migrated database, dropped in the end. */
  async database(catalogue: Catalogue = bundledCatalogue): Promise<Database> {
    const { url, drop } = await createDatabase(this.server.url);
    this.#releasers.push(drop);
    const database = new Database(url, { connections: 12, catalogue });
    this.#releasers.push(() => database.close());
    await migrate(database, systemClock, silent);
    return database;
  }

  /** A Redis of its own; `undefined` where `redis-server` is not installed. */
  async redis(): Promise<string | undefined> {
    if (spawnSync('redis-server', ['--version']).status !== 0) return undefined;
    const redis = await RedisServer.start();
    this.#releasers.push(() => redis.stop());
    return redis.url;
  }

  /** A stand-in API that gives recorded answers from the memory of another process. */
  recorder(kind: RecorderKind = 'sound'): Promise<Recorder> {
    const known = this.#recorders.get(kind) ?? Recorder.start(kind);
    if (!this.#recorders.has(kind)) this.#releasers.push(async () => (await known).stop());
    this.#recorders.set(kind, known);
    return known;
  }

  /** The program as it is built. */
  program(): Promise<Program> {
    if (this.#program === undefined) {
      const built = bundleProgram();
      this.#program = built;
      this.#releasers.push(async () => (await built).remove());
    }
    return this.#program;
  }

  folder(purpose: string): string {
    const { path, remove } = createTemporaryFolder(purpose);
    this.#releasers.push(async () => remove());
    return path;
  }

  /** A Python with the packages that a plain script uses; `undefined` where there is none. */
  python(): string | undefined {
    return findPython('pandas', 'sqlalchemy', 'psycopg2');
  }

  async close(): Promise<void> {
    for (const release of this.#releasers.reverse()) await release();
  }
}

/** The embedded server, and the one of BENCH_DATABASE_URL where it is given. */
export async function startServers(): Promise<{ servers: readonly Server[]; stop: () => Promise<void> }> {
  const embedded = await PostgresServer.start();
  const servers = [await describe(embedded.url)];
  const given = process.env.BENCH_DATABASE_URL;
  if (given !== undefined && given !== '') servers.push(await describe(given));
  return { servers, stop: () => embedded.stop() };
}

async function describe(url: string): Promise<Server> {
  return withClient(url, async (client) => {
    const { rows } = await client.query<{ version: string; fsync: string; timescale: string | null }>(
      `select split_part(current_setting('server_version'), ' ', 1) as version, current_setting('fsync') as fsync,
         (select default_version from pg_available_extensions
          where name = 'timescaledb' and exists (select from pg_settings where name = 'timescaledb.disable_load')) as timescale`,
    );
    const [found] = rows;
    const kind = found?.timescale == null ? 'plain' : `TimescaleDB ${found.timescale}`;
    return { url, name: `PostgreSQL ${found?.version}, ${kind}, fsync ${found?.fsync}` };
  });
}
