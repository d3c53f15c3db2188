import { getTableColumns, getTableName } from 'drizzle-orm';
import type { PgTable } from 'drizzle-orm/pg-core';

/** SQL roles without a login, `cryptoracle_reader` and `cryptoracle_worker`, to be granted to logins. */
export type SqlRole = 'reader' | 'worker';

/** The rights of each role on a table, as GRANT takes them; an empty text: none. */
export type TableRights = Readonly<Record<SqlRole, string>>;

/** A table as people and roles see it. */
export interface TableDescription {
  readonly table: PgTable;
  readonly name: string;
  /** The comment that `\d+` shows. */
  readonly comment: string;
  /** The same of its columns, by their names in the database. */
  readonly columns: Readonly<Record<string, string>>;
  readonly rights: TableRights;
}

/** Describes a table; a column without a comment does not compile. */
export function describeTable<T extends PgTable>(
  table: T,
  description: {
    readonly comment: string;
    readonly columns: Readonly<Record<keyof T['_']['columns'] & string, string>>;
    readonly rights: TableRights;
  },
): TableDescription {
  const comments: Readonly<Record<string, string>> = description.columns;
  const columns = Object.entries(getTableColumns(table)).map(([key, column]) => {
    return [column.name, comments[key] ?? ''] as const;
  });
  return { ...description, table, name: getTableName(table), columns: Object.fromEntries(columns) };
}
