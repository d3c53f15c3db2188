import pg from 'pg';
import type { Milliseconds } from '../../time.ts';
import { clientConfig, serverOf } from './address.ts';
import { errorCode } from './errors.ts';
import { requireSessions } from './pooler.ts';

/**
 * Connections as the program needs them, whatever the database, the role or a pooler between has set: the one place where
 * pools are made, the database's and those of the queue in it.
 */

/** How long it may take until a connection is there: a new one, or one of a pool that are all lent. */
const connectionTimeout: Milliseconds = 10_000;

/** Silence after which the operating system asks the other side whether it is still there. */
const keepAliveDelay = 10_000;

/** Longest statement. Those that may take longer, such as a migration, lift it for themselves. */
const statementTimeout = '10min';

/**
 * Values that statements and their results rely on. They are set by statements, since PgBouncer refuses the startup
 * parameter `options`.
 */
const sessionSettings: Readonly<Record<string, string>> = {
  TimeZone: 'UTC',
  DateStyle: 'ISO, YMD',
  IntervalStyle: 'postgres',
  // The shortest text that is the same number again.
  extra_float_digits: '1',
  default_transaction_isolation: 'read committed',
  // Compiling a statement takes longer than any of ours runs.
  jit: 'off',
  lock_timeout: '0',
  standard_conforming_strings: 'on',
  bytea_output: 'hex',
  array_nulls: 'on',
  idle_session_timeout: '0',
  statement_timeout: statementTimeout,
  // A transaction of a process that hangs or is cut off must not keep its locks. Ours never wait within one.
  idle_in_transaction_session_timeout: '30s',
};

/** Settings that not every server knows, or takes. */
const optionalSettings: Readonly<Record<string, string>> = {
  // Ends statements of processes that are gone; not on every platform.
  client_connection_check_interval: '10s',
  // From PostgreSQL 17 on.
  transaction_timeout: '0',
};

export interface PoolOptions {
  readonly connections: number;
  /** Schemas in which names without one are looked up. */
  readonly searchPath: string;
  /** Milliseconds after which a statement counts as lost; none where whoever uses the pool watches over that. */
  readonly queryTimeout?: Milliseconds;
  /** Whether a commit need not reach the disk before it counts, since losing the last ones in a crash does no harm. */
  readonly mayLoseCommits?: boolean;
}

/** Makes a pool each of whose connections has our settings before anything else is run on it. */
export function createPool(url: string, options: PoolOptions): pg.Pool {
  const config = clientConfig(url);
  let hasSessions: Promise<void> | undefined;
  const pool = new pg.Pool({
    ...config,
    max: options.connections,
    connectionTimeoutMillis: connectionTimeout,
    idleTimeoutMillis: 30_000,
    query_timeout: options.queryTimeout,
    application_name: 'cryptoracle',
    keepAlive: true,
    keepAliveInitialDelayMillis: keepAliveDelay,
    onConnect: async (client) => {
      const backend = await askBackend(client);
      // Before anything is set: a pooler may hand the session to others.
      hasSessions ??= requireSessions(client, backend, config, serverOf(url));
      await hasSessions.catch((error: unknown) => {
        hasSessions = undefined;
        throw error;
      });
      await prepareSession(client, options);
    },
  });
  // A connection that breaks while it runs no statement is replaced by the pool, whether it was idle or within a
  // transaction; without listeners it would end the process.
  pool.on('error', () => {});
  pool.on('connect', (client) => client.on('error', () => {}));
  return pool;
}

const backends = new WeakMap<pg.ClientBase, number>();

/** Number of the server process behind a connection of a pool made here; `undefined` for any other. */
export function backendOf(client: pg.ClientBase): number | undefined {
  return backends.get(client);
}

async function askBackend(client: pg.ClientBase): Promise<number> {
  const { rows } = await client.query<{ pid: number }>(timed('select pg_backend_pid() as pid'));
  const backend = rows[0]?.pid ?? 0;
  backends.set(client, backend);
  return backend;
}

/** All settings in one statement, which a new connection answers in a third of the time of one for each. */
async function prepareSession(
  client: pg.ClientBase,
  { searchPath, mayLoseCommits = false }: PoolOptions,
): Promise<void> {
  const own = { search_path: searchPath, ...(mayLoseCommits ? { synchronous_commit: 'off' } : {}) };
  const required = Object.entries({ ...sessionSettings, ...own }).map(([name, value]) => set(name, value));
  const optional = Object.entries(optionalSettings).map(
    ([name, value]) => `case when current_setting('${name}', true) is not null then ${set(name, value)} end`,
  );
  try {
    await client.query(timed(`select ${[...required, ...optional].join(', ')}`));
  } catch (error) {
    const isNotTaken = '22023';
    if (errorCode(error) !== isNotTaken) throw error;
    await client.query(timed(`select ${required.join(', ')}`));
  }
}

const set = (name: string, value: string) => `set_config('${name}', ${pg.escapeLiteral(value)}, false)`;

/** A statement that is given up when nothing answers. node-postgres takes the limit; its types do not know it. */
function timed(text: string): pg.QueryConfig & { query_timeout: number } {
  return { text, query_timeout: connectionTimeout };
}
