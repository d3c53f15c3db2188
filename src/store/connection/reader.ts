import type { SQL } from 'drizzle-orm';
import type { Catalogue } from '../../catalog/index.ts';
import type { Transaction } from './database.ts';

/** Answers questions written in SQL: the database itself, or what reads it with the rights of readers. */
export interface Questions {
  query<Row extends Record<string, unknown>>(name: string, statement: SQL): Promise<Row[]>;
}

/** Answers questions made with Drizzle's builder, too, about the metrics of a catalogue. */
export interface Reader extends Questions {
  readonly catalogue: Catalogue;
  run<T>(name: string, question: (db: Transaction) => PromiseLike<T>): Promise<T>;
}
