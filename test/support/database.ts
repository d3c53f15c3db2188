import type pg from 'pg';
import { pino } from 'pino';
import { describe, inject } from 'vitest';
import * as client from '../../harness/client.ts';
import { createDatabase } from '../../harness/databases.ts';
import { Database } from '../../src/store/connection/database.ts';
import { turnOffJit } from '../../src/store/setup/jit.ts';
import { onFileEnd } from './releasers.ts';

/** Databases of their own for tests, on every kind of server there is. */

export type ServerKind = 'plain PostgreSQL' | 'TimescaleDB';

export function serverUrl(kind: ServerKind): string | null {
  return kind === 'TimescaleDB' ? inject('timescaleUrl') : inject('plainUrl');
}

/** Runs the suite on plain PostgreSQL and on TimescaleDB; where there is none it is reported as skipped. */
export function describeOnServers(name: string, suite: (kind: ServerKind) => void): void {
  for (const kind of ['plain PostgreSQL', 'TimescaleDB'] as const) {
    describe.skipIf(serverUrl(kind) === null)(`${name} on ${kind}`, () => suite(kind));
  }
}

export const silent = pino({ level: 'silent' });

/** The embedded server does not wait for the disk: copying files takes it a fifth of writing them to its log. */
const copying = (kind: ServerKind) => (kind === 'plain PostgreSQL' ? 'strategy file_copy' : '');

/** An empty database. @returns its address */
export async function createEmptyDatabase(kind: ServerKind): Promise<string> {
  return (await createDatabase(serverUrl(kind) ?? '', 'template0', copying(kind))).url;
}

export const dropDatabase = (_kind: ServerKind, url: string) => client.dropDatabase(url);

/** Works on a database through few connections, and drops it afterwards. */
export async function withDatabase(url: string, work: (database: Database) => Promise<void>): Promise<void> {
  const database = new Database(url, { connections: 2 });
  try {
    await work(database);
  } finally {
    await database.close();
    await client.dropDatabase(url);
  }
}

/** A migrated database, copied from one that was migrated once, with a queue; it is dropped when the test file ends. */
export async function createTestDatabase(kind: ServerKind): Promise<Database> {
  const template = inject(kind === 'TimescaleDB' ? 'timescaleTemplate' : 'plainTemplate');
  const { url, drop } = await createDatabase(serverUrl(kind) ?? '', template, copying(kind));
  // Settings of a database are not part of it, and are not copied.
  const database = new Database(url, { connections: 8 });
  await database.connect(turnOffJit);
  onFileEnd(async () => {
    await database.close();
    await drop();
  });
  return database;
}

/** Makes a database as `migrate` leaves it where Redis has the queue. */
export async function dropQueue(database: Database): Promise<void> {
  await database.pool.query('drop schema bullmq cascade');
}

/** Runs a statement and gives its rows. */
export async function rows<Row extends pg.QueryResultRow>(
  database: Database,
  text: string,
  values: unknown[] = [],
): Promise<Row[]> {
  return (await database.pool.query<Row>(text, values)).rows;
}

/** The only value of a statement's only row. */
export async function value<T>(database: Database, text: string, values: unknown[] = []): Promise<T> {
  const { rows: found } = await database.pool.query({ text, values, rowMode: 'array' });
  return (found as T[][])[0]?.[0] as T;
}
