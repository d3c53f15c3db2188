import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { UserError } from '../../src/errors.ts';
import { Database } from '../../src/store/connection/database.ts';
import { createReader, dropReader, renewReader, scramVerifier } from '../../src/store/setup/readers.ts';
import { viewNames } from '../../src/store/setup/views/index.ts';
import { createTestDatabase, value } from '../support/database.ts';
import { createFolder, type Environment, expectMistake, runCli } from './cli.ts';

describe('reader', () => {
  const folder = createFolder();
  // Roles belong to the whole server, which other tests use as well.
  const name = `reader_${randomBytes(6).toString('hex')}`;
  let database: Database;
  let settings: Environment;
  beforeAll(async () => {
    database = await createTestDatabase('plain PostgreSQL');
    settings = { DATABASE_URL: database.url };
  });
  afterAll(() => database.pool.query(`drop role if exists ${name}`));

  const run = (...args: string[]) => runCli(folder, ['reader', ...args], settings);

  /** Runs statements as the reader, logged in. */
  async function asReader<T>(address: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
    const client = new pg.Client({ connectionString: address });
    await client.connect();
    try {
      return await work(client);
    } finally {
      await client.end();
    }
  }

  const storedVerifier = () =>
    value<string>(database, 'select rolpassword from pg_authid where rolname = $1', [name]);
  const saltOf = (verifier: string) =>
    Buffer.from(/^SCRAM-SHA-256\$4096:([^$]+)\$/.exec(verifier)?.[1] ?? '', 'base64');

  let address = '';

  it('create makes a login that reads every view by its bare name, and prints its password', async () => {
    const { code, stdout } = await run('create', name, '--timeout', '5s');
    expect(code).toBe(0);
    address = /^address: (.+)$/m.exec(stdout)?.[1] ?? '';
    expect(new URL(address).password).toBe(/^password.*: (.+)$/m.exec(stdout)?.[1]);
    await asReader(address, async (client) => {
      for (const view of viewNames) await client.query(`select * from ${view} limit 1`);
      expect((await client.query("select * from as_of('1h', now())")).rows).toEqual([]);
      expect((await client.query('show statement_timeout')).rows).toEqual([{ statement_timeout: '5s' }]);
      expect((await client.query('show timezone')).rows).toEqual([{ TimeZone: 'UTC' }]);
    });
  });

  it('the login reads nothing else and writes nothing', async () => {
    await asReader(address, async (client) => {
      for (const statement of ['select * from pace', 'select * from migrations', 'select * from pg_authid']) {
        await expect(client.query(statement), statement).rejects.toMatchObject({ code: '42501' });
      }
      await expect(client.query('create temporary table mine (id int)')).rejects.toMatchObject({
        code: '25006',
      });
      // The setting can be changed by whoever is logged in; the rights cannot.
      await client.query('set default_transaction_read_only = off');
      for (const statement of ['delete from tokens', 'create table mine (id int)', 'create role other']) {
        await expect(client.query(statement), statement).rejects.toMatchObject({ code: '42501' });
      }
    });
  });

  it('create again changes nothing; --rotate gives a new password, here from a file', async () => {
    writeFileSync(join(folder, 'password'), 'a-password-of-mine\n');
    const again = await run('create', name);
    expect(again).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/exists, and stays as it is; --rotate/),
    });
    expect(again.stdout).not.toContain('password, shown');
    // What the login changed of its own settings does not stay.
    await database.pool.query(`alter role ${name} set statement_timeout = 0`);
    const rotated = await run('create', name, '--rotate', '--timeout', '5s', '--password-file', 'password');
    expect(rotated.code).toBe(0);
    expect(rotated.stdout).not.toContain('a-password-of-mine');
    const verifier = await storedVerifier();
    expect(scramVerifier('a-password-of-mine', saltOf(verifier))).toBe(verifier);
  });

  it('the verifier is the one that PostgreSQL makes of the same password', async () => {
    await database.pool.query(`alter role ${name} password 'made-by-postgres'`);
    const verifier = await storedVerifier();
    expect(scramVerifier('made-by-postgres', saltOf(verifier))).toBe(verifier);
  });

  it('list names it', async () => {
    const listed = await run('list', '--json');
    expect(JSON.parse(listed.stdout)).toContainEqual({ name, statementTimeout: '5000' });
    expect((await run('list')).stdout).toMatch(new RegExp(`^${name} +5 s$`, 'm'));
  });

  it('leaves roles alone that are no readers, and says who may make logins', async () => {
    const owner = await value<string>(database, 'select current_user');
    const options = { password: 'of-a-test', timeout: 1000 };
    await expect(createReader(database, owner, options)).rejects.toThrow(`a role '${owner}' already`);
    await expect(dropReader(database, owner)).rejects.toThrow(`no reader '${owner}'`);
    await expect(renewReader(database, 'cryptoracle_reader', { password: 'x', timeout: 0 })).rejects.toThrow(
      'no reader',
    );
    await expect(createReader(database, 'pg_mine', options)).rejects.toThrow("'pg_mine' is a name");
    const reader = new Database(address.replace(/:[^:@]+@/, ':made-by-postgres@'), { connections: 1 });
    try {
      await reader.pool.query('set default_transaction_read_only = off');
      const refused = createReader(reader, `${name}_two`, options);
      await expect(refused).rejects.toBeInstanceOf(UserError);
      await expect(refused).rejects.toThrow('CREATEROLE');
    } finally {
      await reader.close();
    }
    writeFileSync(join(folder, 'short'), 'short');
    expectMistake(await run('create', name, '--password-file', 'short'), ['--password-file']);
  });

  it('drop removes it, with what it may have made', async () => {
    const reader = new Database(address.replace(/:[^:@]+@/, ':made-by-postgres@'), { connections: 1 });
    await reader.pool.query('set default_transaction_read_only = off');
    await reader.pool.query("select lo_from_bytea(0, 'mine')");
    await reader.close();
    expect((await run('drop', name)).code).toBe(0);
    await expect(dropReader(database, name)).rejects.toThrow(`no reader '${name}'`);
  });
});
