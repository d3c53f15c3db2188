import { spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import {
  cpSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import type { Logger } from 'pino';
import { innermost, UserError } from '../../../errors.ts';
import { errorCode } from '../errors.ts';
import { findPrograms, type Programs, plainEnvironment } from './programs.ts';

/** The folders of the server's programs and data, and the account that it runs as. */
export interface Installation {
  readonly bin: string;
  readonly data: string;
  readonly password: string;
  /** Set where we are root: PostgreSQL refuses to run as root. */
  readonly account: { readonly uid: number; readonly gid: number } | undefined;
}

/** @param chosen what POSTGRES_BIN says @throws UserError where this machine cannot run a server here */
export async function install(
  dataDir: string,
  log: Logger,
  chosen: string | undefined,
): Promise<Installation> {
  const account = process.getuid?.() === 0 ? findAccount() : undefined;
  const link = join(dataDir, 'postgres');
  const programs = await findPrograms(link, chosen);
  const { bin } = programs;
  log.debug({ bin, version: programs.major }, 'programs of the embedded PostgreSQL');
  const password = prepareFolder(dataDir);
  if (account === undefined) return { bin, data: link, password, account };

  if (canEnter(bin, account) && canEnter(dataDir, account)) {
    const data = existsSync(link) ? realpathSync(link) : join(realpathSync(dataDir), 'postgres');
    return { bin, data, password, account };
  }
  return { ...moveOutside(dataDir, programs, log), password, account };
}

/** @returns the password of the data folder */
function prepareFolder(dataDir: string): string {
  try {
    mkdirSync(dataDir, { recursive: true });
    return readOrMakePassword(join(dataDir, 'postgres.password'));
  } catch (error) {
    throw new UserError(`DATA_DIR: ${dataDir} cannot be used (${errorCode(error) ?? innermost(error)})`);
  }
}

/**
 * A checkout that the server's account cannot enter, such as one in root's home: its programs and data go to a folder that
 * the account can enter, and the data folder keeps a link.
 */
function moveOutside(
  dataDir: string,
  { bin, isPackaged }: Programs,
  log: Logger,
): Pick<Installation, 'bin' | 'data'> {
  const name = createHash('sha256').update(realpathSync(dataDir)).digest('hex').slice(0, 12);
  const home = join('/var/lib/cryptoracle', name);
  const data = join(home, 'postgres');
  mkdirSync(home, { recursive: true, mode: 0o755 });
  const outside = isPackaged ? copyPrograms(bin, join(home, 'native')) : bin;
  if (linkFrom(join(dataDir, 'postgres'), data)) {
    log.info({ data }, 'the database server may not enter this folder: its data are kept elsewhere');
  }
  return { bin: outside, data };
}

/** @returns the folder of the copies */
function copyPrograms(bin: string, native: string): string {
  if (!existsSync(native)) {
    // Copied beside and renamed, so that an interrupted copy is never taken for a whole one.
    const unfinished = `${native}.${process.pid}`;
    cpSync(dirname(bin), unfinished, { recursive: true, verbatimSymlinks: true });
    try {
      renameSync(unfinished, native);
    } catch (error) {
      // Another process was faster.
      rmSync(unfinished, { recursive: true, force: true });
      if (!existsSync(native)) throw error;
    }
  }
  return join(native, 'bin');
}

/** Has the data folder lead to data that are kept elsewhere. @returns whether the link is new */
function linkFrom(link: string, data: string): boolean {
  const found = lstatSync(link, { throwIfNoEntry: false });
  // A link that came with a copied checkout may lead nowhere.
  if (found?.isSymbolicLink() === true && readlinkSync(link) !== data && !existsSync(link)) rmSync(link);
  try {
    symlinkSync(data, link);
    return true;
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return false;
    throw error;
  }
}

/** The account that runs the server where we are root: PostgreSQL's own, or one without rights. */
function findAccount(): NonNullable<Installation['account']> {
  for (const name of ['postgres', 'nobody']) {
    const [uid, gid] = ['-u', '-g'].map((flag) =>
      Number(spawnSync('id', [flag, name], { env: plainEnvironment }).stdout?.toString() || NaN),
    );
    if (uid !== undefined && gid !== undefined && Number.isInteger(uid) && Number.isInteger(gid))
      return { uid, gid };
  }
  throw new UserError(
    "PostgreSQL does not run as root, and there is no account 'postgres' or 'nobody': run this as an ordinary user, or set DATABASE_URL",
  );
}

/** Whether the account gets into the folder: asked of the system itself, which knows every rule. */
function canEnter(folder: string, account: NonNullable<Installation['account']>): boolean {
  return (
    spawnSync('/bin/sh', ['-c', 'cd "$0"', folder], {
      ...account,
      cwd: '/',
      stdio: 'ignore',
      env: plainEnvironment,
    }).status === 0
  );
}

/** The password of the data folder. Made beside its place, so that of two first starts both have the same. */
function readOrMakePassword(path: string): string {
  if (!existsSync(path)) {
    const own = `${path}.${process.pid}`;
    writeFileSync(own, randomBytes(18).toString('base64url'), { mode: 0o600 });
    try {
      linkSync(own, path);
    } catch (error) {
      if (errorCode(error) !== 'EEXIST') throw error;
    } finally {
      rmSync(own, { force: true });
    }
  }
  return readFileSync(path, 'utf8').trim();
}

/** Runs a program of the server to its end, as the server's account. */
export function runProgram(installation: Installation, program: string, args: readonly string[]) {
  return spawnSync(join(installation.bin, program), args, {
    ...installation.account,
    cwd: '/',
    encoding: 'utf8',
    env: plainEnvironment,
  });
}
