import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createServer } from 'node:net';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { TryLaterError } from '../../../errors.ts';
import { type Installation, runProgram } from './installation.ts';
import { readLiveLock, removeStaleLock } from './lock-file.ts';
import { plainEnvironment } from './programs.ts';

/** Starts, finds and stops the server of a cluster. */

/** The port of the server that runs on these data. */
export function runningPort({ data }: Installation): number | undefined {
  return readLiveLock(data)?.port;
}

/** Settings of a small server on somebody's own machine. */
export const serverSettings: Readonly<Record<string, string>> = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  max_connections: '60',
  shared_buffers: '256MB',
  max_wal_size: '2GB',
  logging_collector: 'off',
  // Some packages of distributions preload TimescaleDB; the embedded database has plain tables wherever it runs.
  shared_preload_libraries: '',
  timezone: 'UTC',
};

/** Each data folder has a port of its own, so that its address stays the same as long as the port is free; else any. */
function usualPort({ data }: Installation): number {
  return 54_320 + (createHash('sha256').update(data).digest().readUInt32BE() % 600);
}
const anyPort = 0;

/** @returns the port, or `undefined` where another process has started it at the same moment */
export async function startServer(
  installation: Installation,
  settings: Readonly<Record<string, string>>,
  log: Logger,
): Promise<number | undefined> {
  removeStaleLock(installation.data);
  const logFile = join(installation.data, 'server.log');
  // A port that is free now may be another server's a moment later: then any other will do.
  const desired = settings.port === undefined ? [usualPort(installation), anyPort] : [Number(settings.port)];
  for (const wish of desired) {
    const port = await freePort(wish);
    if (await launch(installation, { ...settings, port: String(port) }, logFile)) {
      log.debug({ port }, 'the embedded PostgreSQL runs');
      return port;
    }
    if (readLiveLock(installation.data) !== undefined) return undefined;
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

export function stopServer(installation: Installation): void {
  runProgram(installation, 'pg_ctl', ['stop', '-w', '-t', '20', '-m', 'fast', '-D', installation.data]);
}
