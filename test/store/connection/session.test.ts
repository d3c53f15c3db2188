import { sql } from 'drizzle-orm';
import pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Database } from '../../../src/store/connection/database.ts';
import { createPool } from '../../../src/store/connection/pool.ts';
import { migrate } from '../../../src/store/setup/migrate.ts';
import { ManualClock } from '../../support/clock.ts';
import { createEmptyDatabase, describeOnServers, dropDatabase, silent } from '../../support/database.ts';

/** What an administrator may have set for a database; each of it once broke something. */
const hostile: Readonly<Record<string, string>> = {
  DateStyle: "'German, DMY'",
  IntervalStyle: "'sql_standard'",
  TimeZone: "'America/New_York'",
  extra_float_digits: '0',
  default_transaction_isolation: "'serializable'",
  search_path: "''",
  statement_timeout: "'200ms'",
  lock_timeout: "'100ms'",
  idle_in_transaction_session_timeout: "'100ms'",
  idle_session_timeout: "'100ms'",
  standard_conforming_strings: 'off',
  bytea_output: "'escape'",
  array_nulls: 'off',
  jit: 'on',
};

describeOnServers('a connection to a database with settings of its own', (kind) => {
  let url: string;
  let database: Database;
  beforeAll(async () => {
    url = await createEmptyDatabase(kind);
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    const name = new URL(url).pathname.slice(1);
    for (const [setting, value] of Object.entries(hostile))
      await client.query(`alter database ${name} set ${setting} = ${value}`);
    await client.end();
    database = new Database(url, { connections: 4 });
  });
  afterAll(async () => {
    await database.close();
    await dropDatabase(kind, url);
  });

  it('reads instants, intervals and numbers as they are', async () => {
    const [row] = await database.query<Record<string, unknown>>(
      'read',
      sql`select '2025-03-04 05:06:07.089+00'::timestamptz::text as instant, interval '26 hours'::text as length,
        (0.1::float8 + 0.2::float8)::text as number, current_setting('transaction_isolation') as isolation`,
    );
    expect(row).toEqual({
      instant: '2025-03-04 05:06:07.089+00',
      length: '26:00:00',
      number: '0.30000000000000004',
      isolation: 'read committed',
    });
  });

  it('has time for statements, and for what happens between those of a transaction', async () => {
    await database.transaction(async (tx) => {
      await database.query('sleep', sql`select pg_sleep(0.4)`, tx);
      await new Promise((done) => setTimeout(done, 300));
      await database.query('go on', sql`select 1`, tx);
    });
  });

  it('reads backslashes, bytes and NULLs in arrays as they are, and outlives a pause', async () => {
    const statement = sql.raw(String.raw`select 'a\tb' as text, '\xff'::bytea as bytes,
      ('{null}'::text[])[1] is null as "isNull", pg_backend_pid() as backend`);
    const [row] = await database.query<Record<string, unknown>>('read', statement);
    expect(row).toMatchObject({ text: String.raw`a\tb`, bytes: Buffer.from([0xff]), isNull: true });
    await new Promise((done) => setTimeout(done, 300));
    const [later] = await database.query<Record<string, unknown>>('read', statement);
    expect(later?.backend).toBe(row?.backend);
  });

  it('can be migrated', async () => {
    await migrate(database, new ManualClock(Date.UTC(2025, 0, 1)), silent);
    const [row] = await database.query<{ tokens: number }>(
      'count',
      sql`select count(*)::int as tokens from cryptoracle.tokens`,
    );
    expect(row?.tokens).toBe(200);
  });

  it('of the queue looks up names in its schema, with the same settings', async () => {
    const pool: pg.Pool = createPool(url, { connections: 1, searchPath: 'bullmq' });
    const { rows } = await pool.query(
      "select current_setting('search_path') as path, current_setting('DateStyle') as style",
    );
    await pool.end();
    expect(rows).toEqual([{ path: 'bullmq', style: 'ISO, YMD' }]);
  });

  it('ends at the server when its process hangs within a transaction', async () => {
    const [row] = await database.query<{ limit: string }>(
      'limit',
      sql`select current_setting('idle_in_transaction_session_timeout') as limit`,
    );
    expect(row?.limit).toBe('30s');
  });
});
