import { createHash } from 'node:crypto';
import { sql } from 'drizzle-orm';
import pg from 'pg';
import type { Connection } from '../connection/connection.ts';
import type { Database } from '../connection/database.ts';
import { describedTables, metricTableRights } from '../schema/index.ts';
import { bundledFunctions } from './functions.ts';
import { bundledViews } from './views/index.ts';

/**
 * Whether everything was set up that comes after the migrations: hypertables, comments, functions, views, the catalogue's
 * tables, roles. The last step notes it in the comment of the schema, with a digest of what there was to set up; so an
 * interrupted setup is told from a whole one, and one by another version of the program from one by this.
 */

/** @param newestMigration when it was written, in milliseconds since the epoch */
function digestOf(newestMigration: number): string {
  const tables = describedTables.map(({ name, comment, columns, rights }) => [
    name,
    comment,
    columns,
    rights,
  ]);
  const parts = JSON.stringify([newestMigration, tables, metricTableRights, bundledViews, bundledFunctions]);
  return createHash('sha256').update(parts).digest('hex').slice(0, 16);
}

const commentOf = (newestMigration: number) =>
  `Crypto-sentiment metrics of the Cryptoracle API, and what the program knows about them. Set up: ${digestOf(newestMigration)}`;

/** Notes that the setup is whole. */
export async function recordCompletion(connection: Connection, newestMigration: number): Promise<void> {
  await connection.query(
    'record completion',
    `comment on schema cryptoracle is ${pg.escapeLiteral(commentOf(newestMigration))}`,
  );
}

/** Whether the setup that this program would make is there, to the end. */
export async function isComplete(database: Database, newestMigration: number): Promise<boolean> {
  const [row] = await database.query<{ comment: string | null }>(
    'look for completion',
    sql`select obj_description(to_regnamespace('cryptoracle'), 'pg_namespace') as comment`,
  );
  return row?.comment === commentOf(newestMigration);
}
