import { sql } from 'drizzle-orm';
import type { Granularity } from '../../catalog/index.ts';
import type { Database, Transaction } from '../connection/database.ts';

/** The channel on which PostgreSQL tells whoever listens that values were stored; the payload is their granularity. */
export const storedChannel = 'cryptoracle_stored';

/** Tells it when the transaction commits, once however often it was called within. */
export async function announceStored(
  database: Database,
  granularity: Granularity,
  tx: Transaction,
): Promise<void> {
  await database.query('announce stored', sql`select pg_notify(${storedChannel}, ${granularity})`, tx);
}
