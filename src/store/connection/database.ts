import { finished } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { type SQL, sql } from 'drizzle-orm';
import { drizzle, type NodePgDatabase } from 'drizzle-orm/node-postgres';
import type pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { bundledCatalogue, type Catalogue } from '../../catalog/index.ts';
import { UserError } from '../../errors.ts';
import type { Milliseconds } from '../../time.ts';
import { Connection, type StatementObserver, timed } from './connection.ts';
import { ConnectionLost, explainConnectionError, isRetryable } from './errors.ts';
import { createPool } from './pool.ts';
import { type SilenceLimits, SilenceWatch } from './silence.ts';
import { settleTls } from './tls.ts';

/** Multiranges came with 14, `NULLS NOT DISTINCT` with 15. */
const oldestServer = 15;

/** Drizzle on one connection: what a statement is built and run with, within a transaction or by itself. */
export type Transaction = NodePgDatabase & { readonly $client: pg.PoolClient };

export interface DatabaseOptions {
  readonly connections: number;
  readonly observe?: StatementObserver | undefined;
  readonly silence?: SilenceLimits;
  /** The bundled metrics and v1 where none is given. */
  readonly catalogue?: Catalogue;
}

/** How long connections may take to close in good order. */
const closingTime: Milliseconds = 3000;

/** How often the holder of a lock lets the server hear from it. */
const lockHeartbeat: Milliseconds = 10_000;

/**
 * The one door to the database: every statement has a name, is timed and never waits for a connection that went silent;
 * transactions are repeated where that helps.
 */
export class Database {
  /** For tests and measurements; the program's statements go through the methods. */
  readonly pool: pg.Pool;
  readonly url: string;
  /** The metrics that its tables have columns for, as this process knows them. */
  readonly catalogue: Catalogue;
  readonly #observers: StatementObserver[];
  readonly #watch: SilenceWatch;
  #closing: Promise<void> | undefined;

  constructor(url: string, options: DatabaseOptions) {
    this.url = url;
    this.catalogue = options.catalogue ?? bundledCatalogue;
    this.pool = createPool(url, { connections: options.connections, searchPath: 'public' });
    this.#observers = options.observe === undefined ? [] : [options.observe];
    this.#watch = new SilenceWatch(url, options.silence);
  }

  /** Tells one more observer of every statement from now on. */
  observe(observer: StatementObserver): void {
    this.#observers.push(observer);
  }

  /**
   * Runs one statement written in SQL and gives its rows.
   * @throws what PostgreSQL says, see {@link errorCode}; ConnectionLost
   */
  async query<Row extends Record<string, unknown>>(
    name: string,
    statement: SQL,
    tx?: Transaction,
  ): Promise<Row[]> {
    const { rows } = await this.run(name, (db) => db.execute(statement), tx);
    // A statement in SQL says itself what its rows are.
    return rows as Row[];
  }

  /** Runs one statement made with Drizzle's builder, and gives its rows as Drizzle infers them. @throws as `query` */
  run<T>(name: string, statement: (db: Transaction) => PromiseLike<T>, tx?: Transaction): Promise<T> {
    const on = (db: Transaction) =>
      timed(this.#notify, name, () => this.#watch.during(db.$client, () => statement(db)));
    return tx === undefined ? this.#withClient((client) => on(drizzle({ client }))) : on(tx);
  }

  /**
   * Copies rows into a table.
   * @param statement `copy … from stdin (format binary)`
   * @param rows all of them in that form
   * @throws as `query`
   */
  copy(name: string, statement: string, rows: Buffer, tx: Transaction): Promise<void> {
    return this.run(name, ({ $client }) => finished($client.query(copyFrom(statement)).end(rows)), tx);
  }

  /** Lends a connection for what Drizzle does not do. */
  connect<T>(work: (connection: Connection) => Promise<T>): Promise<T> {
    return this.#withClient((client) => work(this.#connectionOf(client)));
  }

  /** Runs `work` in a transaction; repeats it whole, up to three times, where the reason passes by itself. */
  async transaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#runTransaction(work);
      } catch (error) {
        if (attempt === 3 || !isRetryable(error)) throw error;
        await new Promise((resolve) => setTimeout(resolve, attempt * 250 * (1 + Math.random())));
      }
    }
  }

  /**
   * Runs `work` while no other process that shares the database runs work of the same name. It may take any time on the
   * connection that holds the lock.
   */
  async exclusively<T>(name: string, work: (connection: Connection) => Promise<T>): Promise<T> {
    const held = await this.#holding('wait', name, async (connection) => ({
      result: await work(connection),
    }));
    if (held === undefined) throw new RangeError(`the lock '${name}' was waited for and not taken`);
    return held.result;
  }

  /** As {@link exclusively}, but does not wait. @returns `undefined` where another runs work of the name */
  exclusivelyIfFree<T>(name: string, work: (connection: Connection) => Promise<T>): Promise<T | undefined> {
    return this.#holding('try', name, work);
  }

  /**
   * Runs `work` on a connection that sees one state of the database throughout and cannot change it. It may take any time.
   * Where it fails or is aborted the connection is cut, which ends whatever is still being read.
   */
  async snapshot<T>(signal: AbortSignal, work: (connection: Connection) => Promise<T>): Promise<T> {
    signal.throwIfAborted();
    const client = await this.pool.connect();
    const connection = this.#connectionOf(client);
    const over = new AbortController();
    const aborted = new Promise<never>((_, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason), { once: true, signal: over.signal });
    });
    let isDone = false;
    try {
      const run = async () => {
        await connection.query(
          'begin snapshot',
          `begin isolation level repeatable read read only;
           set local statement_timeout = 0;
           set local idle_in_transaction_session_timeout = 0`,
        );
        const result = await work(connection);
        await connection.query('end snapshot', 'commit');
        return result;
      };
      const result = await Promise.race([run(), aborted]);
      isDone = true;
      return result;
    } finally {
      // Nobody waits for it any more.
      over.abort();
      aborted.catch(() => {});
      client.release(!isDone);
    }
  }

  /** Closes all connections; one that went silent is left behind. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const enough = new AbortController();
    const closed = this.pool.end().finally(() => enough.abort());
    await Promise.race([
      closed,
      sleep(closingTime, undefined, { signal: enough.signal }).catch(() => closed),
    ]);
  }

  readonly #notify: StatementObserver = (name, milliseconds, failed) => {
    for (const observer of this.#observers) observer(name, milliseconds, failed);
  };

  #connectionOf(client: pg.PoolClient): Connection {
    return new Connection(client, this.#notify, this.#watch);
  }

  /** Drizzle's own transactions hide why they failed where the rollback fails, too, as it does on a cut connection. */
  #runTransaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    return this.#withClient(async (client) => {
      const tx: Transaction = drizzle({ client });
      const control = (statement: 'begin' | 'commit' | 'rollback') =>
        this.run(statement, (db) => db.execute(sql.raw(statement)), tx);
      await control('begin');
      try {
        const result = await work(tx);
        await control('commit');
        return result;
      } catch (error) {
        if (error instanceof ConnectionLost) throw error;
        await control('rollback').catch(() => {
          throw new ConnectionLost(error);
        });
        throw error;
      }
    });
  }

  /**
   * Runs `work` on a connection that has taken a lock. The server ends a session that it has not heard from for a minute,
   * so that nobody waits for a process that was cut off; a heartbeat keeps ours. The connection is used for nothing else
   * afterwards, and the lock is gone with it at the latest.
   */
  #holding<T>(
    mode: 'wait' | 'try',
    name: string,
    work: (connection: Connection) => Promise<T>,
  ): Promise<T | undefined> {
    return this.#withClient(async (client) => {
      const connection = this.#connectionOf(client);
      await connection.query('prepare lock', "set statement_timeout = 0; set idle_session_timeout = '60s'");
      const { rows } = await connection.query<{ taken: boolean }>('take lock', takeLock[mode], [name]);
      const heartbeat = setInterval(() => {
        // Where it fails the connection is lost, and the work learns that from its next statement.
        if (!connection.isBusy) connection.query('hold lock', 'select').catch(() => {});
      }, lockHeartbeat);
      try {
        return rows[0]?.taken === true ? await work(connection) : undefined;
      } finally {
        clearInterval(heartbeat);
        await connection.query('release lock', releaseLock, [name]).catch(() => {});
      }
    }, 'use once');
  }

  /** Lends a connection of the pool; one that breaks meanwhile is thrown away and ends nothing but the work. */
  async #withClient<T>(
    work: (client: pg.PoolClient) => Promise<T>,
    use: 'use again' | 'use once' = 'use again',
  ): Promise<T> {
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
      throw new ConnectionLost(error);
    } finally {
      client.off('error', notice);
      client.release(isLost || use === 'use once');
    }
  }
}

const lockKey = "hashtextextended('cryptoracle ' || $1::text, 0)";
const takeLock = {
  wait: `select true as taken from (select pg_advisory_lock(${lockKey})) as waited`,
  try: `select pg_try_advisory_lock(${lockKey}) as taken`,
};
const releaseLock = `select pg_advisory_unlock(${lockKey})`;

/**
 * Connects and makes sure that the server will do.
 * @throws UserError where the settings are wrong, TryLaterError where the server is not there (yet)
 */
export async function openDatabase(url: string, options: DatabaseOptions): Promise<Database> {
  const database = new Database(await settleTls(url), options);
  try {
    const [server] = await database.query<{ version: number; encoding: string }>(
      'server version',
      sql`
        select current_setting('server_version_num')::int as version,
          current_setting('server_encoding') as encoding`,
    );
    requireServer(server?.version ?? 0, server?.encoding ?? '');
    return database;
  } catch (error) {
    await database.close();
    throw explainConnectionError(error, url, true);
  }
}

function requireServer(version: number, encoding: string): void {
  const major = Math.floor(version / 10_000);
  if (major < oldestServer) {
    throw new UserError(
      `DATABASE_URL: the server is PostgreSQL ${major}; ${oldestServer} or newer is needed`,
    );
  }
  // Names of tokens and what the API says may be of any script.
  if (encoding !== 'UTF8') {
    throw new UserError(
      `DATABASE_URL: the database's encoding is ${encoding}, and UTF8 is needed; ` +
        "make one with `create database … encoding 'UTF8' template template0`",
    );
  }
}
