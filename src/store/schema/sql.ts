import { getTableColumns, type SQLWrapper, sql } from 'drizzle-orm';
import type { PgTable } from 'drizzle-orm/pg-core';
import type { Granularity } from '../../catalog/index.ts';
import type { Interval } from '../../planning/interval.ts';
import type { Instant, Milliseconds } from '../../time.ts';
import { float8Binary, textBinary, timestamptzBinary } from './binary.ts';

/** Pieces of SQL that statements on every floor share. */

/** The name of the table that holds the values of a granularity. */
export const metricTableName = (granularity: Granularity) => `cryptoracle.metrics_${granularity}`;

/** {@link metricTableName} within a statement. */
export const metricTable = (granularity: Granularity) => sql.raw(metricTableName(granularity));

/** The length of a window as PostgreSQL reads it. A day is 24 hours, whatever the session's time zone does. */
export const windowLengths: Readonly<Record<Granularity, string>> = {
  '15m': "interval '15 minutes'",
  '1h': "interval '1 hour'",
  '4h': "interval '4 hours'",
  '1d': "interval '24 hours'",
};

/** {@link windowLengths} within a statement. */
export const windowLengthSql = (granularity: Granularity) => sql.raw(windowLengths[granularity]);

/** An instant of ours as PostgreSQL takes it. */
export const timestamptz = (instant: Instant) => sql`${new Date(instant).toISOString()}::timestamptz`;

/** Many instants as an array; `undefined` becomes NULL. */
export const timestamptzArray = (instants: readonly (Instant | undefined)[]) => {
  return sql`${sql.param(timestamptzBinary(instants))}::timestamptz[]`;
};

/** Numbers as an array; `null` becomes NULL. */
export const float8Array = (numbers: readonly (number | null | undefined)[]) =>
  sql`${sql.param(float8Binary(numbers))}::float8[]`;

/** An interval of windows as a range, half-open like ours. */
export const tstzrangeOf = ({ start, end }: Interval) =>
  sql`tstzrange(${timestamptz(start)}, ${timestamptz(end)})`;

/** A duration of ours as PostgreSQL takes it. */
export const intervalOf = (duration: Milliseconds) => sql`(${duration}::float8 * interval '1 ms')`;

/** Texts as an array. */
export const textArray = (texts: readonly (string | null)[]) => sql`${sql.param(textBinary(texts))}::text[]`;

/** An instant or interval that a statement works out, as we take it: in milliseconds, since the epoch for an instant. */
export const inMilliseconds = (expression: SQLWrapper) =>
  sql<number>`(extract(epoch from ${expression}) * 1000)::float8`;

/** Something made of the name of each column of a table, by its key. */
function ofColumns<T extends PgTable, Made>(table: T, make: (name: string) => Made) {
  const made = Object.entries(getTableColumns(table)).map(([key, { name }]) => [key, make(name)]);
  return Object.fromEntries(made) as Readonly<Record<keyof T['_']['columns'], Made>>;
}

/** The bare names of a table's columns, as `insert`, `set` and the columns of a subquery want them. */
export const columnNames = <T extends PgTable>(table: T) => ofColumns(table, (name) => sql.identifier(name));

/** The values that an `insert` brought to a row that is there already. */
export const excluded = <T extends PgTable>(table: T) =>
  ofColumns(table, (name) => sql`excluded.${sql.identifier(name)}`);
