import { randomBytes } from 'node:crypto';
import { administer, dropDatabase } from './client.ts';
import { remember } from './leftovers.ts';

/** Databases of their own on a server that others may use, too. */

export interface TemporaryDatabase {
  readonly url: string;
  readonly name: string;
  drop(): Promise<void>;
}

/**
 * Creates a database; a later run drops it if this process is killed.
 * @param template what it is a copy of; by default PostgreSQL's pristine `template0`, for an image's `template1` may hold
 *   TimescaleDB already
 * @param options further options of `create database`
 */
export async function createDatabase(
  serverUrl: string,
  template = 'template0',
  options = '',
): Promise<TemporaryDatabase> {
  const name = `test_${randomBytes(6).toString('hex')}`;
  const address = new URL(serverUrl);
  address.pathname = `/${name}`;
  const url = address.href;
  const forget = remember({ database: url });
  await administer(serverUrl, `create database ${name} template ${template} ${options}`);
  const drop = async () => {
    await dropDatabase(url);
    forget();
  };
  return { url, name, drop };
}
