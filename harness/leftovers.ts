import { spawnSync } from 'node:child_process';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { dropDatabase } from './client.ts';

/**
 * Servers, folders and databases outlive a run that is killed with `kill -9`. Each process therefore writes down what it
 * started, before it starts it, in a file that names the process. The next run removes what the dead have left.
 */

/** A process, told apart from a later one with the same number by when it began. */
interface Birth {
  readonly pid: number;
  readonly began: string;
}

export type Leftover =
  | { readonly process: Birth }
  /** A folder; PostgreSQL servers whose data lie in it are stopped first. */
  | { readonly folder: string }
  /** A database on a server that is not the run's own, by its address. */
  | { readonly database: string };

const records = join(tmpdir(), 'cryptoracle-runs');
const kept = new Map<number, Leftover>();
let next = 0;

/** When a process began, in a form that only compares; `undefined` where there is no such process. */
export function birthOf(pid: number): string | undefined {
  if (existsSync('/proc/self/stat')) {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      // A zombie has ended, and only waits for its parent.
      return fields[0] === 'Z' ? undefined : fields[19];
    } catch {
      return undefined;
    }
  }
  const { stdout } = spawnSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' });
  return stdout.trim() || undefined;
}

const isAlive = ({ pid, began }: Birth) => birthOf(pid) === began;

function ownRecord(): string {
  return join(records, `${process.pid}-${(birthOf(process.pid) ?? '').replaceAll(/\W/g, '_')}`);
}

/**
 * Notes what would be left if this process were killed.
 * @returns what takes the note back, once the thing is gone
 */
export function remember(leftover: Leftover): () => void {
  const key = next++;
  kept.set(key, leftover);
  mkdirSync(records, { recursive: true, mode: 0o700 });
  // Addresses of servers hold passwords.
  appendFileSync(ownRecord(), `${JSON.stringify(leftover)}\n`, { mode: 0o600 });
  return () => {
    kept.delete(key);
    if (kept.size === 0) rmSync(ownRecord(), { force: true });
    else writeFileSync(ownRecord(), [...kept.values()].map((each) => `${JSON.stringify(each)}\n`).join(''));
  };
}

/** Notes a process that this one has started. @returns what takes the note back */
export function rememberProcess(pid: number | undefined): () => void {
  const began = pid === undefined ? undefined : birthOf(pid);
  return pid === undefined || began === undefined ? () => {} : remember({ process: { pid, began } });
}

export interface TemporaryFolder {
  readonly path: string;
  remove(): void;
}

/** An empty folder that other accounts may enter: the embedded server runs as one where we are root. */
export function createTemporaryFolder(purpose: string): TemporaryFolder {
  const path = mkdtempSync(join(tmpdir(), `cryptoracle-${purpose}-`));
  spawnSync('chmod', ['755', path]);
  const forget = remember({ folder: path });
  return {
    path,
    remove: () => {
      rmSync(path, { recursive: true, force: true });
      forget();
    },
  };
}

/** Removes what processes that are dead have left. @returns how many things that were */
export async function removeLeftovers(): Promise<number> {
  if (!existsSync(records)) return 0;
  let removed = 0;
  for (const name of readdirSync(records)) {
    const [pid = '', began = ''] = name.split(/-(.*)/s);
    const alive = birthOf(Number(pid));
    if (alive !== undefined && alive.replaceAll(/\W/g, '_') === began) continue;
    const file = join(records, name);
    for (const leftover of readRecord(file)) {
      await removeLeftover(leftover);
      removed++;
    }
    rmSync(file, { force: true });
  }
  return removed;
}

/** The last line may be torn: its writer was killed. Another run may have removed the file a moment ago. */
function readRecord(file: string): Leftover[] {
  if (!existsSync(file)) return [];
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line.endsWith('}'))
    .map((line): Leftover => JSON.parse(line));
}

async function removeLeftover(leftover: Leftover): Promise<void> {
  if ('process' in leftover) await end(leftover.process);
  else if ('folder' in leftover) await removeFolder(leftover.folder);
  // Where the server has gone, its databases have gone with it.
  else await dropDatabase(leftover.database).catch(() => {});
}

/** Asks for an immediate end, which PostgreSQL obeys with its children, and insists after five seconds. */
async function end(born: Birth): Promise<void> {
  for (const [signal, polls] of [
    ['SIGQUIT', 100],
    ['SIGKILL', 20],
  ] as const) {
    if (isAlive(born)) process.kill(born.pid, signal);
    for (let poll = 0; poll < polls && isAlive(born); poll++) await sleep(50);
  }
}

async function removeFolder(folder: string): Promise<void> {
  if (!existsSync(folder)) return;
  for (const file of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    if (!file.endsWith('postmaster.pid')) continue;
    const pid = Number(readFileSync(join(folder, file), 'utf8').split('\n')[0]);
    const began = birthOf(pid);
    // The number may be another process's by now; a server's working folder is its data folder.
    if (began !== undefined && commandOf(pid).includes(folder)) await end({ pid, began });
  }
  rmSync(folder, { recursive: true, force: true });
}

const commandOf = (pid: number) =>
  spawnSync('ps', ['-o', 'args=', '-ww', '-p', String(pid)], { encoding: 'utf8' }).stdout;
