import { sql } from 'drizzle-orm';
import { boolean, doublePrecision, index, jsonb, type PgTable, primaryKey, text } from 'drizzle-orm/pg-core';
import { bundledMetrics, type Granularity } from '../../catalog/index.ts';
import type { TableRights } from './description.ts';
import { cryptoracle, exactInstant, instant } from './types.ts';

/** One column for each bundled metric. Columns of a user's own metrics are added by `migrate`. */
function metricColumns() {
  return Object.fromEntries(bundledMetrics.map(({ column }) => [column, doublePrecision(column)])) as Record<
    (typeof bundledMetrics)[number]['column'],
    ReturnType<typeof doublePrecision>
  >;
}

/**
 * Values of one granularity, a row for each token and window. Wide, since a row a value takes nine times the space
 * and four times the time. A value is known from the row's `first_seen_at` on, or, where it came to a row that was there
 * already, from the instant that `seen_later` holds for its column.
 */
function metricTable<G extends Granularity>(granularity: G) {
  return cryptoracle.table(
    `metrics_${granularity}`,
    {
      time: exactInstant('time').notNull(),
      token: text('token').notNull(),
      ...metricColumns(),
      firstSeenAt: instant('first_seen_at').notNull(),
      updatedAt: instant('updated_at').notNull(),
      backfilled: boolean('backfilled').notNull().default(sql`false`),
      seenLater: jsonb('seen_later').$type<Readonly<Record<string, string>>>(),
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

/** The tables of values by granularity. Their comments derive from the catalogue, see `setup/comments.ts`. */
export const metricTables = {
  '15m': metrics15m,
  '1h': metrics1h,
  '4h': metrics4h,
  '1d': metrics1d,
} as const satisfies Readonly<Record<Granularity, PgTable>>;

export const metricTableRights: TableRights = { reader: 'select', worker: 'select, insert, update' };
