import { spawnSync } from 'node:child_process';
import { linkSync, readFileSync, readlinkSync, realpathSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { plainEnvironment } from './programs.ts';

/**
 * The lock file of a PostgreSQL server, `postmaster.pid`. After a crash it names a process that is gone, and the system
 * may have given its number to another one since: then neither pg_ctl nor the server itself sees through it.
 */

const lockFile = (data: string) => join(data, 'postmaster.pid');

/** The lines of a lock file (PostgreSQL, `miscadmin.h`, LOCK_FILE_LINE_*). */
interface Lock {
  readonly text: string;
  readonly pid: number;
  /** The server's port; `undefined` while it starts. */
  readonly port: number | undefined;
}

function readLock(data: string): Lock | undefined {
  let text: string;
  try {
    text = readFileSync(lockFile(data), 'utf8');
  } catch {
    return undefined;
  }
  const lines = text.split('\n');
  const port = Number(lines[3]);
  return { text, pid: Number(lines[0]), port: Number.isInteger(port) && port > 0 ? port : undefined };
}

/** The lock of the server that runs on these data; `undefined` where none does. */
export function readLiveLock(data: string): Lock | undefined {
  const lock = readLock(data);
  return lock !== undefined && isServerOn(data, lock.pid) ? lock : undefined;
}

/** Whether the process is a server on these data: a server works in the folder of its data. */
function isServerOn(data: string, pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0 || !isAlive(pid)) return false;
  try {
    if (process.platform === 'linux') return readlinkSync(`/proc/${pid}/cwd`) === realpathSync(data);
  } catch {
    // A process of another account, or one that has just ended; a server of ours runs as us, or we are root.
    return false;
  }
  if (process.platform === 'win32') return true;
  const { stdout } = spawnSync('ps', ['-o', 'comm=', '-p', String(pid)], {
    encoding: 'utf8',
    env: plainEnvironment,
  });
  return /postgres/.test(stdout ?? '');
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

/** Takes away a lock file whose server is gone. */
export function removeStaleLock(data: string): void {
  const lock = readLock(data);
  if (lock === undefined || isServerOn(data, lock.pid)) return;
  const aside = `${lockFile(data)}.stale-${process.pid}`;
  try {
    renameSync(lockFile(data), aside);
    // Another process may have started the server since we looked: its lock goes back.
    if (readFileSync(aside, 'utf8') !== lock.text) linkSync(aside, lockFile(data));
  } catch {
    // Another process took it away.
  } finally {
    rmSync(aside, { force: true });
  }
}
