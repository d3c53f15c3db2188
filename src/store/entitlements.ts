import { sql } from 'drizzle-orm';
import type { MetricCode, TagCode } from '../catalog/index.ts';
import type { Database } from './database.ts';

/** Codes that the subscription does not include. */
export async function readRefused(database: Database): Promise<ReadonlySet<MetricCode | TagCode>> {
  const rows = await database.query<{ metric: MetricCode | TagCode }>(
    'read entitlements',
    sql`select metric from cryptoracle.entitlements`,
  );
  return new Set(rows.map((row) => row.metric));
}

export async function storeRefused(
  database: Database,
  code: MetricCode | TagCode,
  now: number,
): Promise<void> {
  const at = new Date(now).toISOString();
  await database.query(
    'store entitlement',
    sql`
      insert into cryptoracle.entitlements (metric, refused_since, last_refused_at)
      values (${code}, ${at}, ${at})
      on conflict (metric) do update set last_refused_at = excluded.last_refused_at`,
  );
}
