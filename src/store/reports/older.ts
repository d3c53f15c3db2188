import { sql } from 'drizzle-orm';
import type { Granularity } from '../../catalog/index.ts';
import type { Instant } from '../../time.ts';
import type { Database } from '../connection/database.ts';
import { metricTable, timestamptz } from '../schema/sql.ts';

/** How many rows of a granularity are older: retention would remove them. */
export async function countOlder(
  database: Database,
  granularity: Granularity,
  before: Instant,
): Promise<number> {
  const [row] = await database.query<{ rows: number }>(
    'count older',
    sql`select count(*)::float8 as rows from ${metricTable(granularity)} where "time" < ${timestamptz(before)}`,
  );
  return row?.rows ?? 0;
}
