import { sql } from 'drizzle-orm';
import type { Database, Transaction } from '../../connection/database.ts';
import type { RuleFamily } from './rules.ts';

/**
 * Reads the rows once for each of the families of rules, one after the other.
 *
 * A backfill stores rows token by token, so that the rows of a window lie on as many pages as there are tokens. An index on
 * time visits a page for each row, which PostgreSQL takes for cheap: within a token the windows are in order. Visiting each
 * page once takes half the time. So the index is used as such only where a family needs the rows sorted.
 */
export async function eachFamily<T>(
  database: Database,
  families: readonly RuleFamily[],
  tx: Transaction,
  read: (family: RuleFamily) => Promise<T>,
): Promise<T[]> {
  const results: T[] = [];
  for (const family of families) {
    if (family.isSorted) results.push(await read(family));
    else results.push(await withoutIndexScan(database, tx, () => read(family)));
  }
  return results;
}

async function withoutIndexScan<T>(database: Database, tx: Transaction, work: () => Promise<T>): Promise<T> {
  await database.query('choose scan', sql`set local enable_indexscan = off`, tx);
  const result = await work();
  await database.query('choose scan', sql`set local enable_indexscan to default`, tx);
  return result;
}
