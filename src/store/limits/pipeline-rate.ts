import { eq, sql } from 'drizzle-orm';
import type { Database } from '../connection/database.ts';
import { pace } from '../schema/index.ts';

/** The calls that all processes together may send, as one process's settings say. */
export interface Rate {
  readonly requestsPerSecond: number;
  readonly requestsPerDay?: number | undefined;
}

/** Keeps the rate of the pipeline that starts, for commands whose settings may say another. */
export async function storePipelineRate(
  database: Database,
  { requestsPerSecond, requestsPerDay }: Rate,
): Promise<void> {
  const rate = { requestsPerSecond, requestsPerDay: requestsPerDay ?? null };
  await database.run('store pipeline rate', (db) =>
    db
      .insert(pace)
      .values({ id: 1, nextAt: sql`clock_timestamp()`, ...rate })
      .onConflictDoUpdate({ target: pace.id, set: rate }),
  );
}

/** @returns the rate of the pipeline that started last, `undefined` before one has */
export async function readPipelineRate(database: Database): Promise<Rate | undefined> {
  const [row] = await database.run('look at pipeline rate', (db) =>
    db
      .select({ requestsPerSecond: pace.requestsPerSecond, requestsPerDay: pace.requestsPerDay })
      .from(pace)
      .where(eq(pace.id, 1)),
  );
  if (row === undefined || row.requestsPerSecond === null) return undefined;
  return { requestsPerSecond: row.requestsPerSecond, requestsPerDay: row.requestsPerDay ?? undefined };
}
