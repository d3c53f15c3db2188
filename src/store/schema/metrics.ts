import { sql } from 'drizzle-orm';
import { boolean, doublePrecision, index, primaryKey, text, timestamp } from 'drizzle-orm/pg-core';
import { type Granularity, type MetricColumn, metrics } from '../../catalog/index.ts';
import { cryptoracle, instant } from './types.ts';

/** One column for each metric of the catalogue. */
function metricColumns() {
  return Object.fromEntries(metrics.map(({ column }) => [column, doublePrecision(column)])) as Record<
    MetricColumn,
    ReturnType<typeof doublePrecision>
  >;
}

/**
 * Values of one granularity, a row for each token and window. Wide, since a row a value takes nine times the space
 * and four times the time.
 */
function metricTable<G extends Granularity>(granularity: G) {
  return cryptoracle.table(
    `metrics_${granularity}`,
    {
      time: timestamp('time', { withTimezone: true }).notNull(),
      token: text('token').notNull(),
      ...metricColumns(),
      firstSeenAt: instant('first_seen_at').notNull(),
      updatedAt: instant('updated_at').notNull(),
      backfilled: boolean('backfilled').notNull().default(sql`false`),
    },
    (table) => [
      primaryKey({ columns: [table.token, table.time] }),
      index(`metrics_${granularity}_time`).on(table.time),
    ],
  );
}

export const metrics15m = metricTable('15m');
export const metrics1h = metricTable('1h');
export const metrics4h = metricTable('4h');
export const metrics1d = metricTable('1d');
