import {
  assertSchemaCompatibility,
  LATEST_SCHEMA_VERSION,
  runMigrations,
  SchemaMigrationRequiredError,
  SchemaVersionMismatchError,
} from 'bullmq';
import pg from 'pg';
import { innermost, UserError } from '../errors.ts';
import type { Connection } from '../store/connection/connection.ts';
import type { Database } from '../store/connection/database.ts';
import { errorCode } from '../store/connection/errors.ts';
import { grantExactly } from '../store/setup/roles.ts';
import { queueNames } from './jobs.ts';

/**
 * BullMQ's own schema, `bullmq`: where the queue lives where there is no Redis. BullMQ defines its
 * content, and we the rights on it.
 */

/**
 * The rights of the worker's role there: those that the functions of BullMQ need for jobs like ours, without parents
 * and without deduplication. Its other tables are not for us.
 */
const workerRights = {
  migration: 'select',
  meta: 'select, insert, update',
  job: 'select, insert, update, delete',
  job_dependency: 'select',
  event: 'select, insert, delete',
  scheduler: 'select, insert, update, delete',
  rate_limit: 'select, insert, update',
};

/**
 * Brings the queue's schema to the newest version and lets the worker's role use it.
 * @throws UserError where this role may not, or where the schema belongs to a newer program
 */
export async function migrateQueue(database: Database): Promise<void> {
  await explained(() =>
    database.exclusively('migrate queue', async (connection) => {
      await connection.use('queue migrations', (client) => runMigrations(client));
      await makeJobNumbers(connection);
      await grantWorker(connection);
    }),
  );
}

/** Whether the queue's schema is there and new enough. @throws as {@link migrateQueue} */
export function isQueueMigrated(database: Database): Promise<boolean> {
  return explained(() => database.connect(isCurrent));
}

/** Runs {@link migrateQueue} where the schema is behind, and only then: a worker may read the version and no more. */
export async function ensureQueueMigrated(database: Database): Promise<void> {
  if (!(await isQueueMigrated(database))) await migrateQueue(database);
}

/** Says in one line what a person can mend. */
async function explained<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof SchemaVersionMismatchError) {
      throw new UserError(
        'DATABASE_URL: a newer version of this program has changed the queue; update the program',
        { cause: error },
      );
    }
    if (errorCode(error) !== '42501') throw error;
    throw new UserError(
      `DATABASE_URL: the queue in the database is not ready for this user (${innermost(error)}); ` +
        'run `migrate` once, without REDIS_URL, as the owner of the database',
      { cause: error },
    );
  }
}

async function isCurrent(connection: Connection): Promise<boolean> {
  try {
    const version = await connection.use('queue version', (client) => assertSchemaCompatibility(client));
    if (version < LATEST_SCHEMA_VERSION) return false;
  } catch (error) {
    if (error instanceof SchemaMigrationRequiredError) return false;
    throw error;
  }
  const { rowCount } = await connection.query(
    'look for job numbers',
    `select from (${jobNumbers}) as s where existing is null`,
    [queueNames],
  );
  return rowCount === 0;
}

/** The sequence from which BullMQ numbers the jobs of each queue, and whether it is there. */
const jobNumbers = `
  select queue, bullmq.job_id_seq_name(queue) as sequence,
    to_regclass('bullmq.' || bullmq.job_id_seq_name(queue)) as existing
  from unnest($1::text[]) as queue`;

/** BullMQ makes these sequences when a queue is first used, which a worker may not. */
async function makeJobNumbers(connection: Connection): Promise<void> {
  await connection.query(
    'make job numbers',
    `select bullmq.next_job_id(queue) from (${jobNumbers}) as s where existing is null`,
    [queueNames],
  );
}

async function grantWorker(connection: Connection): Promise<void> {
  if (!(await grantExactly(connection, 'worker', 'bullmq', workerRights))) return;
  const { rows } = await connection.query<{ sequence: string }>('look for job numbers', jobNumbers, [
    queueNames,
  ]);
  const sequences = ['job_seq', 'event_seq', ...rows.map(({ sequence }) => sequence)];
  await connection.query(
    'grant queue',
    `
    grant usage on sequence ${sequences.map((name) => `bullmq.${pg.escapeIdentifier(name)}`).join(', ')}
      to cryptoracle_worker;
    -- Jobs that are added together pass through a temporary table.
    do $$ begin
      execute format('grant temporary on database %I to cryptoracle_worker', current_database());
    end $$`,
  );
}
