import { createHash } from 'node:crypto';
import { sql } from 'drizzle-orm';
import type { Database } from '../store/connection/database.ts';
import { errorCode } from '../store/connection/errors.ts';

/** A text that no other database has, and that stays the same as long as the database lives. */
async function readIdentity(database: Database): Promise<string> {
  try {
    const [row] = await database.query<{ identity: string }>(
      'read identity',
      sql`
        select concat_ws('/', system_identifier, (select oid from pg_database where datname = current_database()))
          as identity
        from pg_control_system()`,
    );
    if (row !== undefined) return row.identity;
  } catch (error) {
    // A managed server may keep this to itself.
    if (!['42501', '42883', '0A000'].includes(errorCode(error) ?? '')) throw error;
  }
  const { host, pathname } = new URL(database.url);
  return `${host}${pathname}`;
}

/**
 * The prefix that keeps the queues of databases apart which share one Redis: else each would take the other's jobs. A
 * database that was restored elsewhere has another one, so that it never works on the queues of its original.
 */
export async function queuePrefix(database: Database, given: string | undefined): Promise<string> {
  if (given !== undefined) return given;
  const digest = createHash('sha256')
    .update(await readIdentity(database))
    .digest('hex');
  return `cryptoracle-${digest.slice(0, 12)}`;
}
