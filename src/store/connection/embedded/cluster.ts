import { randomBytes } from 'node:crypto';
import {
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { UserError } from '../../../errors.ts';
import { errorCode } from '../errors.ts';
import { type Installation, runProgram } from './installation.ts';

/** The superuser of the embedded server. */
export const superuser = 'cryptoracle';

const isCluster = (folder: string) => existsSync(join(folder, 'PG_VERSION'));

/**
 * Makes the database cluster where there is none. It is made beside its place and renamed, so that it is there whole or
 * not at all: two processes that start at once, or one that is killed meanwhile, leave no half of one.
 *
 * @returns whether this process made it
 * @throws UserError where it cannot be made
 */
export function ensureCluster(installation: Installation): boolean {
  const { data } = installation;
  if (isCluster(data)) return false;
  if (existsSync(data) && readdirSync(data).length > 0) throw occupied(data);
  const unfinished = `${data}.unfinished-${process.pid}-${randomBytes(4).toString('hex')}`;
  try {
    makeFolder(unfinished, installation);
    initialise(installation, unfinished);
    renameSync(unfinished, data);
    return true;
  } catch (error) {
    // Another process was faster.
    if (isCluster(data)) return false;
    throw errorCode(error) === 'ENOTEMPTY' ? occupied(data) : error;
  } finally {
    rmSync(unfinished, { recursive: true, force: true });
  }
}

const occupied = (data: string) =>
  new UserError(
    `DATA_DIR: ${data} holds files that are no database; move them away, or choose another DATA_DIR`,
  );

function makeFolder(folder: string, { account }: Installation): void {
  mkdirSync(folder, { mode: 0o700 });
  if (account !== undefined) chownSync(folder, account.uid, account.gid);
}

function initialise(installation: Installation, data: string): void {
  // initdb reads the password from a file only, and must be able to as the account that it runs as.
  const folder = mkdtempSync(join(tmpdir(), 'cryptoracle-'));
  const passwordFile = join(folder, 'password');
  try {
    writeFileSync(passwordFile, `${installation.password}\n`, { mode: 0o600 });
    if (installation.account !== undefined) {
      const { uid, gid } = installation.account;
      for (const path of [folder, passwordFile]) chownSync(path, uid, gid);
    }
    const result = runProgram(installation, 'initdb', [
      `--pgdata=${data}`,
      `--username=${superuser}`,
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
