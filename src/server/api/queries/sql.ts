import { type Column, type SQL, type SQLWrapper, sql } from 'drizzle-orm';

/** Pieces that the API's questions share. */

/** An instant as the API gives it: ISO 8601 in UTC. */
export const utc = (instant: SQLWrapper) =>
  sql<string>`to_char(${instant} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;

/** As {@link utc}, of an instant that may be missing. */
export const utcOrNull = (instant: SQLWrapper) => sql<string | null>`${utc(instant)}`;

/** All of the conditions that are given. */
export function all(conditions: readonly (SQL | undefined)[]): SQL {
  const given = conditions.filter((condition) => condition !== undefined);
  return given.length === 0 ? sql`true` : sql.join(given, sql` and `);
}

/** A condition where there is something to compare with. */
export function where<T>(value: T | undefined, condition: (value: T) => SQL): SQL | undefined {
  return value === undefined ? undefined : condition(value);
}

/** Whether a column holds the value that was asked for; no condition where none was. */
export const holds = (column: Column, value: string | undefined) =>
  where(value, (asked) => sql`${column} = ${asked}`);

export const instant = (text: string) => sql`${text}::timestamptz`;

/** Instants from `from` on and before `to`, as far as they are given; to the microsecond, as a question names them. */
export function within(column: Column, from: string | undefined, to: string | undefined): SQL {
  return all([
    where(from, (text) => sql`${column} >= ${instant(text)}`),
    where(to, (text) => sql`${column} < ${instant(text)}`),
  ]);
}

interface CellColumns {
  readonly granularity: Column;
  readonly token: Column;
  readonly time: Column;
}

interface CellQuestion {
  readonly granularity?: string | undefined;
  readonly token?: string | undefined;
  readonly from?: string | undefined;
  readonly to?: string | undefined;
}

/** Rows about the cells that are asked for, as far as a question says which. */
export const aboutCells = (columns: CellColumns, { granularity, token, from, to }: CellQuestion) =>
  all([holds(columns.granularity, granularity), holds(columns.token, token), within(columns.time, from, to)]);

/** A page of what was read with a row more than asked for. @param cursorOf where the page after this item goes on */
export function pageOf<Row>(rows: readonly Row[], limit: number, cursorOf: (last: Row) => number) {
  const items = rows.slice(0, limit);
  const last = items.at(-1);
  return { items, next: rows.length > limit && last !== undefined ? cursorOf(last) : null };
}
