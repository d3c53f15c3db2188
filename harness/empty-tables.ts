import { getTableName, is } from 'drizzle-orm';
import { PgTable } from 'drizzle-orm/pg-core';
import type pg from 'pg';
import * as schema from '../src/store/schema/index.ts';

/** The tables that `migrate` fills; all others are filled while the pipeline runs. */
const catalogue: readonly string[] = [schema.tokens, schema.metricCatalog, schema.tagCatalog].map((table) =>
  getTableName(table),
);

const names = Object.values(schema)
  .flatMap((each) => (is(each, PgTable) ? getTableName(each) : []))
  .filter((name) => !catalogue.includes(name))
  .map((name) => `cryptoracle.${name}`);

/** Makes a database as `migrate` left it: empties every table of the schema but the catalogue's. */
export async function emptyTables(connection: Pick<pg.ClientBase | pg.Pool, 'query'>): Promise<void> {
  await connection.query(`truncate ${names.join()} restart identity`);
}
