import { sql } from 'drizzle-orm';
import type { Granularity, MetricCode, Token } from '../catalog/index.ts';
import type { Interval } from '../planning/interval.ts';
import type { Database } from './database.ts';

export interface BackfillOrder {
  readonly range: Interval;
  readonly granularities: readonly Granularity[];
  readonly tokens: readonly Token[];
  readonly metrics: readonly MetricCode[];
}

/** Enters an order. @returns its number */
export async function beginBackfill(database: Database, order: BackfillOrder, now: number): Promise<number> {
  const at = (instant: number) => new Date(instant).toISOString();
  const [row] = await database.query<{ id: string }>(
    'begin backfill',
    sql`
      insert into cryptoracle.backfills
        (windows_from, windows_to, granularities, tokens, metrics, state, started_at)
      values (${at(order.range.start)}, ${at(order.range.end)}, ${sql.param(order.granularities)}::text[],
        ${sql.param(order.tokens)}::text[], ${sql.param(order.metrics)}::text[], 'running', ${at(now)})
      returning id`,
  );
  return Number(row?.id);
}

export async function endBackfill(
  database: Database,
  id: number,
  state: 'done' | 'stopped' | 'failed',
  calls: number,
  now: number,
): Promise<void> {
  await database.query(
    'end backfill',
    sql`
      update cryptoracle.backfills
      set state = ${state}, requests_sent = ${calls}, ended_at = ${new Date(now).toISOString()}
      where id = ${id}`,
  );
}
