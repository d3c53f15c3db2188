import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { expect, it } from 'vitest';
import { systemClock } from '../../../src/clock.ts';
import { UserError } from '../../../src/errors.ts';
import { Database, openDatabase } from '../../../src/store/connection/database.ts';
import { migrate } from '../../../src/store/setup/migrate.ts';
import { createFolder, runCli } from '../../commands/cli.ts';
import {
  createEmptyDatabase,
  describeOnServers,
  rows,
  serverUrl,
  silent,
  value,
  withDatabase,
} from '../../support/database.ts';

const folder = createFolder();

describeOnServers('the first migrate', (kind) => {
  it('refuses a database whose encoding holds no text but Latin, and says what to make instead', async () => {
    const admin = new pg.Client({ connectionString: serverUrl(kind) ?? '' });
    const name = `test_latin_${randomBytes(4).toString('hex')}`;
    await admin.connect();
    try {
      await admin.query(
        `create database ${name} encoding 'LATIN1' lc_collate 'C' lc_ctype 'C' template template0`,
      );
      const url = new URL(serverUrl(kind) ?? '');
      url.pathname = `/${name}`;
      const opened = openDatabase(url.href, { connections: 1 });
      await expect(opened).rejects.toBeInstanceOf(UserError);
      const ended = await runCli(folder, ['migrate'], { DATABASE_URL: url.href });
      expect(ended.code).toBe(1);
      expect(ended.stderr).toMatch(/^error: DATABASE_URL: .*LATIN1.*UTF8.*create database/m);
      expect(ended.stderr.trimEnd().split('\n')).toHaveLength(1);
    } finally {
      await admin.query(`drop database if exists ${name} with (force)`);
      await admin.end();
    }
  });

  it.runIf(kind === 'TimescaleDB')(
    'uses an extension that somebody put into a schema of its own',
    async () => {
      const url = await createEmptyDatabase(kind);
      await withDatabase(url, async (database) => {
        await database.pool.query(
          'create schema "Extra tools"; create extension timescaledb schema "Extra tools"',
        );
        await migrate(database, systemClock, silent);
        const made =
          "select hypertable_name from timescaledb_information.hypertables where hypertable_schema = 'cryptoracle'";
        expect(await rows(database, made)).toHaveLength(4);
        await database.pool.query(
          `insert into cryptoracle.metrics_1h (time, token, first_seen_at, updated_at)
         select time, 'BTC', now(), now() from unnest(array[now() - interval '400 days', now()]) as time`,
        );
        // Removing what is old calls the extension, too.
        expect(
          await value(database, "select cryptoracle.retire('1h', now() - interval '200 days')::int"),
        ).toBe(1);
        expect(await value(database, 'select count(*)::int from cryptoracle.metrics_1h')).toBe(1);
      });
    },
  );
});

describeOnServers('a lock', (kind) => {
  it('is free again when the connection of its holder is cut, and its work ends with an error', async () => {
    const url = await createEmptyDatabase(kind);
    await withDatabase(url, async (database) => {
      const other = new Database(url, { connections: 2 });
      try {
        const held = database.exclusively('of a test', async (connection) => {
          const { rows: found } = await connection.query<{ pid: number }>(
            'pid',
            'select pg_backend_pid() as pid',
          );
          expect(await other.exclusivelyIfFree('of a test', async () => 'taken')).toBeUndefined();
          await other.pool.query('select pg_terminate_backend($1)', [found[0]?.pid]);
          await expect
            .poll(() => other.exclusivelyIfFree('of a test', async () => 'taken'), { timeout: 60_000 })
            .toBe('taken');
          await connection.query('after', 'select 1');
        });
        await expect(held).rejects.toThrow(/connection/);
        expect(await database.exclusively('of a test', async () => 'again')).toBe('again');
      } finally {
        await other.close();
      }
    });
  });
});
