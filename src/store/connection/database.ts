import { type SQL, sql } from 'drizzle-orm';
import { drizzle, type NodePgDatabase } from 'drizzle-orm/node-postgres';
import pg from 'pg';
import { innermost, TryLaterError, UserError } from '../../errors.ts';

/** Multiranges came with 14, `NULLS NOT DISTINCT` with 15. */
const oldestServer = 15;

/** What runs statements: the pool, or one transaction. */
export type Executor = Pick<NodePgDatabase, 'execute'>;

/** Told of every statement, for metrics. */
export type StatementObserver = (name: string, milliseconds: number, failed: boolean) => void;

/**
 * What PostgreSQL may say that a repetition of the whole transaction cures: serialization, deadlock, a restart, a cut
 * connection, no free connection.
 */
const retryableCodes: ReadonlySet<string> = new Set([
  '40001', // serialization_failure
  '40P01', // deadlock_detected
  '53300', // too_many_connections
  '57P01', // admin_shutdown
  '57P02', // crash_shutdown
  '57P03', // cannot_connect_now
  '08000', // connection_exception
  '08003', // connection_does_not_exist
  '08006', // connection_failure
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
]);

/** The one door to the database: every statement has a name and is timed, transactions are repeated where that helps. */
export class Database {
  readonly pool: pg.Pool;
  readonly url: string;
  readonly #drizzle: NodePgDatabase;
  readonly #observe: StatementObserver;

  constructor(url: string, options: { connections: number; observe?: StatementObserver }) {
    this.url = url;
    this.#observe = options.observe ?? (() => {});
    this.pool = new pg.Pool({
      connectionString: url,
      max: options.connections,
      connectionTimeoutMillis: 10_000,
      idleTimeoutMillis: 30_000,
      application_name: 'cryptoracle',
      // Compiling a statement takes longer than any of ours runs.
      options: '-c TimeZone=UTC -c jit=off',
      keepAlive: true,
    });
    // A connection that breaks while it runs no statement is replaced by the pool, whether it was idle or within a
    // transaction; without listeners it would end the process.
    this.pool.on('error', () => {});
    this.pool.on('connect', (client) => client.on('error', () => {}));
    this.#drizzle = drizzle(this.pool);
  }

  /** Runs one statement and gives its rows. @throws what PostgreSQL says, see {@link errorCode} */
  async query<Row extends Record<string, unknown>>(
    name: string,
    statement: SQL,
    on?: Executor,
  ): Promise<Row[]> {
    const started = performance.now();
    let failed = true;
    try {
      const result = await (on ?? this.#drizzle).execute(statement);
      failed = false;
      return result.rows as Row[];
    } finally {
      this.#observe(name, performance.now() - started, failed);
    }
  }

  /** Runs `work` in a transaction; repeats it whole, up to three times, where the reason passes by itself. */
  async transaction<T>(work: (on: Executor) => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#runTransaction(work);
      } catch (error) {
        const mayPass = error instanceof ConnectionLost || retryableCodes.has(errorCode(error) ?? '');
        if (attempt === 3 || !mayPass) throw error;
        await new Promise((resolve) => setTimeout(resolve, attempt * 250 * (1 + Math.random())));
      }
    }
  }

  /** Runs `work` while no other process that shares the database runs work of the same name. */
  exclusively<T>(name: string, work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
    return this.#withConnection(async (client) => {
      await client.query(`select pg_advisory_lock(${lockKey})`, [name]);
      return unlockAfter(client, name, work);
    });
  }

  /** As {@link exclusively}, but does not wait. @returns `undefined` where another runs work of the name */
  exclusivelyIfFree<T>(name: string, work: () => Promise<T>): Promise<T | undefined> {
    return this.#withConnection(async (client) => {
      const { rows } = await client.query<{ taken: boolean }>(
        `select pg_try_advisory_lock(${lockKey}) as taken`,
        [name],
      );
      return rows[0]?.taken === true ? unlockAfter(client, name, work) : undefined;
    });
  }

  /**
   * Runs `work` on a connection that sees one state of the database throughout and cannot change it. Where it fails or
   * is aborted the connection is cut, which ends whatever is still being read.
   */
  async snapshot<T>(signal: AbortSignal, work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
    signal.throwIfAborted();
    const client = await this.pool.connect();
    const aborted = new Promise<never>((_, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    });
    let isDone = false;
    try {
      const run = async () => {
        await client.query('begin isolation level repeatable read read only');
        const result = await work(client);
        await client.query('commit');
        return result;
      };
      const result = await Promise.race([run(), aborted]);
      isDone = true;
      return result;
    } finally {
      // Nobody waits for it any more.
      aborted.catch(() => {});
      client.release(!isDone);
    }
  }

  /** Drizzle's own transactions hide why they failed where the rollback fails, too, as it does on a cut connection. */
  #runTransaction<T>(work: (on: Executor) => Promise<T>): Promise<T> {
    return this.#withConnection(async (client) => {
      const on = drizzle(client);
      await on.execute(sql`begin`);
      try {
        const result = await work(on);
        await on.execute(sql`commit`);
        return result;
      } catch (error) {
        await on.execute(sql`rollback`).catch(() => {
          throw new ConnectionLost('the connection to the database was lost', { cause: error });
        });
        throw error;
      }
    });
  }

  /** Lends a connection of the pool; one that breaks meanwhile is thrown away and ends nothing but the work. */
  async #withConnection<T>(work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
    const client = await this.pool.connect();
    let isLost = false;
    const notice = () => {
      isLost = true;
    };
    client.on('error', notice);
    try {
      return await work(client);
    } catch (error) {
      isLost ||= error instanceof ConnectionLost;
      if (!isLost || error instanceof ConnectionLost) throw error;
      throw new ConnectionLost('the connection to the database was lost', { cause: error });
    } finally {
      client.off('error', notice);
      client.release(isLost);
    }
  }

  close(): Promise<void> {
    return this.pool.end();
  }
}

const lockKey = "hashtextextended('cryptoracle ' || $1::text, 0)";

/** Runs `work`, and lets go of a lock that the connection holds. */
async function unlockAfter<T>(
  client: pg.PoolClient,
  name: string,
  work: (client: pg.PoolClient) => Promise<T>,
): Promise<T> {
  try {
    return await work(client);
  } finally {
    // Where it fails the connection is gone, and the lock with it.
    await client.query(`select pg_advisory_unlock(${lockKey})`, [name]).catch(() => {});
  }
}

/** A connection broke while it was lent; PostgreSQL has rolled back what was open, or is about to. */
class ConnectionLost extends Error {}

/** PostgreSQL's or the socket's code behind an error that Drizzle may have wrapped. */
export function errorCode(error: unknown): string | undefined {
  for (let current = error; current instanceof Error; current = current.cause) {
    if ('code' in current && typeof current.code === 'string') return current.code;
    if (current instanceof AggregateError && current.errors.length > 0) return errorCode(current.errors[0]);
  }
  return undefined;
}

/** What pg says without a code. */
const lostForWords = /timeout exceeded when trying to connect|connection terminated/i;

/**
 * Whether it is the database that fails, and not the statement: it is away, its connections are used up, its disk is full
 * (classes 53, 57P and 58 of PostgreSQL's codes). Then nothing else does better, and waiting helps.
 */
export function isOutage(error: unknown): boolean {
  if (error instanceof ConnectionLost) return true;
  const code = errorCode(error);
  if (code === undefined) return lostForWords.test(innermost(error));
  return /^(?:08|53|57P|58)/.test(code) || /^E[A-Z]+$/.test(code);
}

/**
 * Connects and makes sure that the server will do.
 * @throws UserError where the settings are wrong, TryLaterError where the server is not there (yet)
 */
export async function openDatabase(
  url: string,
  options: { connections: number; observe?: StatementObserver },
): Promise<Database> {
  const database = new Database(url, options);
  try {
    const [row] = await database.query<{ version: number }>(
      'server version',
      sql`select current_setting('server_version_num')::int as version`,
    );
    const major = Math.floor((row?.version ?? 0) / 10_000);
    if (major < oldestServer) {
      throw new UserError(
        `DATABASE_URL: the server is PostgreSQL ${major}; ${oldestServer} or newer is needed`,
      );
    }
    return database;
  } catch (error) {
    await database.close();
    throw explainConnectionError(error, url, true);
  }
}

/** Says in one line why the database cannot be used; whatever it does not know it gives back as it is. */
export function explainConnectionError(error: unknown, url: string, isConnecting = false): unknown {
  // Somebody who knew more has said it already.
  if (error instanceof UserError || error instanceof TryLaterError) return error;
  const { host, pathname, username } = new URL(url);
  const name = decoded(pathname.slice(1));
  const code = errorCode(error);
  switch (code) {
    case '28P01':
    case '28000':
      return new UserError(`DATABASE_URL: ${host} refuses the user '${decoded(username)}' or its password`);
    case '3D000':
      return new UserError(`DATABASE_URL: there is no database '${name}' on ${host}; create it first`);
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return new UserError(`DATABASE_URL: the host of ${host} cannot be found`);
  }
  const isTimeout =
    error instanceof Error && /timeout|terminated/i.test(String(error.cause ?? error.message));
  if (
    error instanceof ConnectionLost ||
    retryableCodes.has(code ?? '') ||
    (code === undefined && isTimeout)
  ) {
    return new TryLaterError(
      `DATABASE_URL: no PostgreSQL answers at ${host} (${code ?? 'timeout'}); start it, or correct the address`,
    );
  }
  if (code === '42501') {
    return new UserError(
      `DATABASE_URL: the user '${decoded(username)}' lacks rights on '${name}' (${innermost(error)})`,
    );
  }
  // Whatever else keeps us from connecting is in the address: TLS that the server does not speak, a socket's path.
  if (isConnecting) {
    return new UserError(`DATABASE_URL: cannot connect to ${host || 'the server'}: ${innermost(error)}`);
  }
  return error;
}

/** A part of an address for a person; a '%' that begins no escape stands for itself. */
function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
