import type { SQL } from 'drizzle-orm';

/** Whoever can answer a question: the database, or what reads it with the rights of readers. */
export interface Questions {
  query<Row extends Record<string, unknown>>(name: string, statement: SQL): Promise<Row[]>;
}
