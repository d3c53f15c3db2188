import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { and, eq, isNull, sql } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/node-postgres';
import { migrate as runMigrations } from 'drizzle-orm/node-postgres/migrator';
import type { Logger } from 'pino';
import { z } from 'zod';
import { bundledTokens, type Catalogue, tags } from '../../catalog/index.ts';
import type { Clock } from '../../clock.ts';
import { UserError } from '../../errors.ts';
import { packageFolder } from '../../package.ts';
import type { Connection } from '../connection/connection.ts';
import type { Database } from '../connection/database.ts';
import { errorCode } from '../connection/errors.ts';
import { metricCatalog } from '../schema/index.ts';
import { commentStatements } from './comments.ts';
import { isComplete, recordCompletion } from './completion.ts';
import { createFunctions } from './functions.ts';
import { turnOffJit } from './jit.ts';
import { removeReaderJobs, revokeJobPlanting } from './planted-jobs.ts';
import { updateReaders } from './readers.ts';
import { createRetire, noteDaysOnce } from './retire.ts';
import { openExtension, setUpRoles } from './roles.ts';
import { setUpTimescale } from './timescale.ts';
import { addColumns, adoptColumns, queryableMetrics, requireNoClash } from './user-metrics.ts';
import { createViews } from './views/index.ts';

const migrationsFolder = join(packageFolder, 'migrations');
const migrationsTable = { migrationsSchema: 'cryptoracle', migrationsTable: 'migrations' };

/**
 * Brings the database to the newest schema: migrations, TimescaleDB where it is to be had, comments, the catalogue's
 * tables, the roles for readers and workers. Changes nothing where nothing is due.
 *
 * @throws UserError where the role may not, or where the database belongs to a newer program
 */
export async function migrate(database: Database, clock: Clock, log: Logger): Promise<void> {
  try {
    // Drizzle's migrator takes no lock of its own: several processes may start at once.
    await database.exclusively('migrate', async (connection) => {
      if ((await schemaState(database)) === 'ahead') throw tooNew();
      await requireNoClash(connection, database.catalogue);
      await adoptColumns(connection, database.catalogue);
      await connection.use('migrations', (client) =>
        runMigrations(drizzle({ client }), { migrationsFolder, ...migrationsTable }),
      );
      await setUpTimescale(connection, log);
      await addColumns(connection, database.catalogue);
      await writeCatalogue(connection, database.catalogue, clock);
      const queryable = await queryableMetrics(connection, database.catalogue);
      await connection.query('write comments', commentStatements(queryable));
      await createFunctions(connection, queryable);
      await createViews(connection, queryable, database.catalogue);
      await turnOffJit(connection);
      await listBundledTokens(connection, clock);
      await setUpRoles(connection, log);
      await openExtension(connection, log);
      await updateReaders(connection);
      await createRetire(connection);
      await noteDaysOnce(connection);
      await revokeJobPlanting(connection, log);
      await removeReaderJobs(connection, log);
      await recordCompletion(connection, newestMigration());
    });
  } catch (error) {
    if (errorCode(error) !== '42501') throw error;
    throw new UserError(
      'DATABASE_URL: this role may not change the schema; run `migrate` once as the owner of the database',
      { cause: error },
    );
  }
}

/** Runs {@link migrate} where the schema is behind or its setup was not finished, and only then. */
export async function ensureMigrated(database: Database, clock: Clock, log: Logger): Promise<void> {
  const state = await setupState(database);
  if (state === 'ahead') throw tooNew();
  if (state === 'current') return;
  log.info({ state }, 'bringing the database to the newest schema');
  await migrate(database, clock, log);
}

/** @throws UserError where the schema is not this program's, for commands that change nothing */
export async function requireMigrated(database: Database): Promise<void> {
  const state = await setupState(database);
  if (state === 'ahead') throw tooNew();
  if (state === 'lacks metrics') {
    throw new UserError(
      'the database has no columns yet for metrics that CATALOGUE_FILE names; run `migrate` first',
    );
  }
  if (state === 'behind') {
    throw new UserError('the database does not have the newest schema yet; run `migrate` first');
  }
  if (state === 'unfinished') {
    throw new UserError('the setup of the database was not finished; run `migrate` first');
  }
}

/** {@link schemaState}, and whether there is a column for each metric of a user's own. */
async function setupState(database: Database): Promise<SchemaState | 'lacks metrics'> {
  const state = await schemaState(database);
  const own = database.catalogue.metrics.filter(({ origin }) => origin === 'user');
  if (state !== 'current' || own.length === 0) return state;
  const known = await database.run('read metrics of the user', (db) =>
    db
      .select({ code: metricCatalog.code })
      .from(metricCatalog)
      .where(and(eq(metricCatalog.origin, 'user'), isNull(metricCatalog.retiredAt))),
  );
  const codes = new Set(known.map(({ code }) => code));
  return own.every(({ code }) => codes.has(code)) ? 'current' : 'lacks metrics';
}

const journal = z.object({ entries: z.array(z.object({ when: z.number() })) });

/** When the newest migration of this program was written, in milliseconds since the epoch. */
function newestMigration(): number {
  const text = readFileSync(`${migrationsFolder}/meta/_journal.json`, 'utf8');
  return journal.parse(JSON.parse(text)).entries.at(-1)?.when ?? 0;
}

/**
 * Whether the database lacks migrations of this program, has some that it does not know, or has them all; and then,
 * whether what comes after them was set up to the end.
 */
export type SchemaState = 'behind' | 'unfinished' | 'current' | 'ahead';

export async function schemaState(database: Database): Promise<SchemaState> {
  const newest = newestMigration();
  try {
    const [row] = await database.query<{ applied: number | null }>(
      'schema state',
      sql`select max(created_at)::float8 as applied from cryptoracle.migrations`,
    );
    const applied = row?.applied ?? 0;
    if (applied === newest) return (await isComplete(database, newest)) ? 'current' : 'unfinished';
    return applied < newest ? 'behind' : 'ahead';
  } catch (error) {
    // No such table, schema: nothing has been applied yet.
    if (['42P01', '3F000'].includes(errorCode(error) ?? '')) return 'behind';
    throw error;
  }
}

function tooNew(): UserError {
  return new UserError(
    'DATABASE_URL: a newer version of this program has changed the database; update the program',
  );
}

async function writeCatalogue(connection: Connection, catalogue: Catalogue, clock: Clock): Promise<void> {
  await connection.query(
    'write catalogue',
    `insert into cryptoracle.metric_catalog as known (code, endpoint, params, column_name, name, kind, unit, minimum, maximum,
       meaning, summable, averageable, across_windows, versions, origin)
     select code, endpoint, params, "column", name, kind, unit, minimum, maximum,
       meaning, summable, averageable, "acrossWindows", array(select jsonb_array_elements_text(versions)), origin
     from jsonb_to_recordset($1) as t
       (code text, endpoint text, params jsonb, "column" text, name text, kind text, unit text, minimum float8,
        maximum float8, meaning text, summable boolean, averageable boolean, "acrossWindows" text, versions jsonb,
        origin text)
     on conflict (code) do update set endpoint = excluded.endpoint, params = excluded.params,
       column_name = excluded.column_name, name = excluded.name, kind = excluded.kind, unit = excluded.unit,
       minimum = excluded.minimum, maximum = excluded.maximum, meaning = excluded.meaning,
       summable = excluded.summable, averageable = excluded.averageable, across_windows = excluded.across_windows,
       versions = excluded.versions, origin = excluded.origin, retired_at = null
     where (known.*) is distinct from (excluded.*)`,
    [JSON.stringify(catalogue.metrics)],
  );
  // What the user's file names no more is not asked for any more; its column and its values stay.
  await connection.query(
    'write catalogue',
    `update cryptoracle.metric_catalog set retired_at = $2
     where origin = 'user' and retired_at is null and code <> all ($1)`,
    [catalogue.codes, new Date(clock.now()).toISOString()],
  );
  await connection.query(
    'write catalogue',
    `insert into cryptoracle.tag_catalog (code, name, subject, meaning)
     select * from jsonb_to_recordset($1) as t (code text, name text, subject text, meaning text)
     on conflict (code) do update set name = excluded.name, subject = excluded.subject, meaning = excluded.meaning`,
    [JSON.stringify(tags)],
  );
}

/** A fresh database knows the bundled tokens; from then on the API's own list decides. */
async function listBundledTokens(connection: Connection, clock: Clock): Promise<void> {
  await connection.query(
    'list bundled tokens',
    `insert into cryptoracle.tokens (token, name, position, first_listed_at, last_listed_at)
     select token, name, row_number() over (), $2, $2
     from jsonb_to_recordset($1) as t (token text, name text)
     where not exists (select from cryptoracle.tokens)`,
    [JSON.stringify(bundledTokens), new Date(clock.now()).toISOString()],
  );
}
