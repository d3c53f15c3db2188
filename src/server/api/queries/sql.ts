import { type SQL, sql } from 'drizzle-orm';

/** Pieces that the API's questions share. */

/** An instant as the API gives it: ISO 8601 in UTC. */
export const utc = (instant: SQL) =>
  sql`to_char(${instant} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;

/** All of the conditions that are given. */
export function all(conditions: readonly (SQL | undefined)[]): SQL {
  const given = conditions.filter((condition) => condition !== undefined);
  return given.length === 0 ? sql`true` : sql.join(given, sql` and `);
}

/** A condition where there is something to compare with. */
export function where<T>(value: T | undefined, condition: (value: T) => SQL): SQL | undefined {
  return value === undefined ? undefined : condition(value);
}

export const instant = (text: string) => sql`${text}::timestamptz`;

/** A page of what was read with a row more than asked for. @param cursorOf where the page after this item goes on */
export function pageOf<Row>(rows: readonly Row[], limit: number, cursorOf: (last: Row) => number) {
  const items = rows.slice(0, limit);
  const last = items.at(-1);
  return { items, next: rows.length > limit && last !== undefined ? cursorOf(last) : null };
}
