import type pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { storeAnswer } from '../../src/store/answers.ts';
import type { Database } from '../../src/store/database.ts';
import { Pace } from '../../src/store/pace.ts';
import { createTestDatabase, describeOnServers, rows } from '../support/database.ts';
import { answer, mentions, row, start } from './answering.ts';

/** What only the program uses. */
const internal = ['migrations', 'pace', 'quality_due', 'refreshed'];

describeOnServers('the role for people', (kind) => {
  let database: Database;
  let reader: pg.PoolClient;
  let tables: string[];
  beforeAll(async () => {
    database = await createTestDatabase(kind);
    await storeAnswer(database, answer({ rows: [row('BTC', start, { [mentions]: 7 })] }));
    await new Pace(database, 1000).turn('live');
    const found = await rows<{ relname: string }>(
      database,
      `select relname from pg_class
       where relnamespace = 'cryptoracle'::regnamespace and relkind in ('r', 'p', 'v', 'm') order by 1`,
    );
    tables = found.map(({ relname }) => relname);
    reader = await database.pool.connect();
    await reader.query('set role cryptoracle_reader');
  });
  afterAll(async () => {
    await reader.query('reset role');
    reader.release();
  });

  const read = (table: string) => reader.query(`select * from cryptoracle."${table}"`);
  const denied = { code: '42501' };

  it('may read everything that people query', async () => {
    expect(tables).toEqual(
      expect.arrayContaining([
        ...['metrics_15m', 'metrics_1h', 'metrics_4h', 'metrics_1d', 'token_tags'],
        ...['tokens', 'metric_catalog', 'tag_catalog', 'coverage', 'revisions', 'quarantine'],
        ...['requests', 'entitlements', 'backfills'],
      ]),
    );
    for (const table of tables.filter((name) => !internal.includes(name))) await read(table);
    const { rows: found } = await read('metrics_1h');
    expect(found).toMatchObject([{ token: 'BTC', mention_count: 7 }]);
  });

  it.each(internal)('may not read %s', async (table) => {
    expect(tables).toContain(table);
    await expect(read(table)).rejects.toMatchObject(denied);
  });

  it('may not write anything', async () => {
    for (const table of tables) {
      const name = `cryptoracle."${table}"`;
      const views = await rows(
        database,
        "select from pg_class where oid = $1::regclass and relkind in ('v', 'm')",
        [name],
      );
      if (views.length > 0) continue;
      for (const statement of [
        `delete from ${name}`,
        `insert into ${name} default values`,
        `truncate ${name}`,
      ])
        await expect(reader.query(statement), statement).rejects.toMatchObject(denied);
    }
    await expect(
      reader.query("update cryptoracle.metrics_1h set mention_count = 8 where token = 'BTC'"),
    ).rejects.toMatchObject(denied);
  });

  it('may not change the schema', async () => {
    for (const statement of [
      'create table cryptoracle.mine (id int)',
      'alter table cryptoracle.tokens add column mine int',
      'drop table cryptoracle.tokens',
      'create schema mine',
    ])
      await expect(reader.query(statement), statement).rejects.toMatchObject(denied);
  });

  it('may not log in', async () => {
    expect(
      await rows(database, "select rolcanlogin, rolsuper from pg_roles where rolname = 'cryptoracle_reader'"),
    ).toEqual([{ rolcanlogin: false, rolsuper: false }]);
  });
});
