import { sql } from 'drizzle-orm';
import type { Granularity } from '../../catalog/index.ts';

/** Pieces of SQL that statements on every floor share. */

/** The table that holds the values of a granularity. */
export const metricTable = (granularity: Granularity) =>
  sql`cryptoracle.${sql.identifier(`metrics_${granularity}`)}`;

/** The length of a window as PostgreSQL reads it. A day is 24 hours, whatever the session's time zone does. */
export const windowLengths: Readonly<Record<Granularity, string>> = {
  '15m': "interval '15 minutes'",
  '1h': "interval '1 hour'",
  '4h': "interval '4 hours'",
  '1d': "interval '24 hours'",
};

/** {@link windowLengths} within a statement. */
export const windowLengthSql = (granularity: Granularity) => sql.raw(windowLengths[granularity]);
