import { randomBytes } from 'node:crypto';
import { Database } from '../../src/store/connection/database.ts';
import { onFileEnd } from './releasers.ts';

/** Logins of their own for tests: what people make as SECURITY.md tells them. */

/**
 * A login that is a member of these roles and nothing else, connected to the database; it is dropped when the test file
 * ends.
 */
export async function createLogin(database: Database, ...memberOf: readonly string[]): Promise<Database> {
  const name = `test_login_${randomBytes(6).toString('hex')}`;
  const password = randomBytes(12).toString('hex');
  await database.pool.query(`create role ${name} login password '${password}'`);
  for (const role of memberOf) await database.pool.query(`grant ${role} to ${name}`);
  const url = new URL(database.url);
  Object.assign(url, { username: name, password });
  const login = new Database(url.href, { connections: 8 });
  onFileEnd(async () => {
    await login.close();
    await database.pool.query(`drop role ${name}`);
  });
  return login;
}
