import { getTableName, is, sql } from 'drizzle-orm';
import { PgTable } from 'drizzle-orm/pg-core';
import fc from 'fast-check';
import { beforeAll, expect, it } from 'vitest';
import type { Database } from '../../../src/store/connection/database.ts';
import * as schema from '../../../src/store/schema/index.ts';
import { createTestDatabase, describeOnServers, rows } from '../../support/database.ts';

describeOnServers('the schema', (kind) => {
  let database: Database;
  beforeAll(async () => {
    database = await createTestDatabase(kind);
  });

  it('describes every table and column of the database but for the list of migrations', async () => {
    const found = await rows<{ table: string; columns: string[] }>(
      database,
      `select table_name as "table", array_agg(column_name::text order by column_name) as columns
       from information_schema.columns join information_schema.tables using (table_schema, table_name)
       where table_schema = 'cryptoracle' and table_type = 'BASE TABLE'
         and table_name <> 'migrations' and table_name not like 'metrics\\_%'
       group by 1 order by 1`,
    );
    const described = schema.describedTables.map(({ name, columns, comment, rights }) => {
      expect([name, comment, ...Object.values(columns)]).not.toContain('');
      expect(rights.reader).not.toMatch(/insert|update|delete/);
      return { table: name, columns: Object.keys(columns).sort() };
    });
    expect(described.sort((a, b) => (a.table < b.table ? -1 : 1))).toEqual(found);
  });

  it('names every table that it exports', () => {
    const exported = Object.values(schema).flatMap((each) => (is(each, PgTable) ? [getTableName(each)] : []));
    const listed = [
      ...schema.describedTables.map(({ name }) => name),
      ...Object.values(schema.metricTables).map((table) => getTableName(table)),
    ];
    expect(listed.sort()).toEqual(exported.sort());
  });

  it('gives instants back to the millisecond, as the database itself counts them', async () => {
    const latest = Date.UTC(2200, 0, 1);
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: latest }), async (at) => {
        await database.run('empty', (db) => db.delete(schema.breaker));
        await database.run('enter', (db) =>
          db.insert(schema.breaker).values({ reason: 'a test', openedAt: at, probeAt: at }),
        );
        const [read] = await database.run('read', (db) => db.select().from(schema.breaker));
        expect(read?.openedAt).toBe(at);
        const [counted] = await database.query<{ at: number }>(
          'count',
          sql`select (extract(epoch from opened_at) * 1000)::float8 as at from ${schema.breaker}`,
        );
        expect(counted?.at).toBe(at);
      }),
      { numRuns: 20 },
    );
  });
});
