import { inArray, type SQL, sql } from 'drizzle-orm';
import type { MetricCode, TagCode } from '../../catalog/index.ts';
import type { Database, Transaction } from '../connection/database.ts';
import { entitlements } from '../schema/index.ts';

/** How long a refusal is believed, in milliseconds; then the code is asked for once more (API page, code 205). */
const believedFor = 86_400_000;

/** How far the clocks of two processes may differ, in milliseconds. */
const clockTolerance = 300_000;

/** Whether a refusal still counts at an instant. What lies in the future is from before the clock was set back. */
export function isBelieved(refusedAt: SQL, now: SQL): SQL {
  const seconds = (milliseconds: number) => sql.raw(`interval '${milliseconds / 1000} seconds'`);
  return sql`(
    ${refusedAt} > ${now} - ${seconds(believedFor)} and ${refusedAt} < ${now} + ${seconds(clockTolerance)})`;
}

/** Codes that the subscription does not include, as of the last look, at most a day ago. */
export async function readRefused(
  database: Database,
  now: number,
): Promise<ReadonlySet<MetricCode | TagCode>> {
  const rows = await database.query<{ metric: MetricCode | TagCode }>(
    'read entitlements',
    sql`
      select metric from cryptoracle.entitlements
      where ${isBelieved(sql`last_refused_at`, sql`${new Date(now).toISOString()}::timestamptz`)}`,
  );
  return new Set(rows.map((row) => row.metric));
}

/** Codes that were answered are part of the subscription, whatever was said before. */
export async function forgetRefused(
  database: Database,
  codes: readonly (MetricCode | TagCode)[],
  tx: Transaction,
): Promise<void> {
  await database.run(
    'forget entitlements',
    (db) => db.delete(entitlements).where(inArray(entitlements.metric, [...codes])),
    tx,
  );
}

export async function storeRefused(
  database: Database,
  code: MetricCode | TagCode,
  now: number,
): Promise<void> {
  await database.run('store entitlement', (db) =>
    db
      .insert(entitlements)
      .values({ metric: code, refusedSince: now, lastRefusedAt: now })
      .onConflictDoUpdate({ target: entitlements.metric, set: { lastRefusedAt: now } }),
  );
}
