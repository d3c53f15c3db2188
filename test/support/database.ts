import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { pino } from 'pino';
import { afterAll, describe, inject } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { Database } from '../../src/store/database.ts';
import { migrate } from '../../src/store/migrate.ts';

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

async function administer(kind: ServerKind, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: serverUrl(kind) ?? '' });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}

/** An empty database. @returns its address */
export async function createEmptyDatabase(kind: ServerKind): Promise<string> {
  const name = `test_${randomBytes(6).toString('hex')}`;
  await administer(kind, `create database ${name}`);
  const url = new URL(serverUrl(kind) ?? '');
  url.pathname = `/${name}`;
  return url.href;
}

export async function dropDatabase(kind: ServerKind, url: string): Promise<void> {
  await administer(kind, `drop database if exists ${new URL(url).pathname.slice(1)} with (force)`);
}

const releasers: (() => Promise<void>)[] = [];

// Entered here, while the file is read: what is entered from within a `beforeAll` is never called.
afterAll(async () => {
  for (const release of releasers.splice(0).reverse()) await release();
});

/** A migrated database; it is dropped when the test file ends. */
export async function createTestDatabase(kind: ServerKind): Promise<Database> {
  const url = await createEmptyDatabase(kind);
  const database = new Database(url, { connections: 12 });
  releasers.push(async () => {
    await database.close();
    await dropDatabase(kind, url);
  });
  await migrate(database, systemClock, silent);
  return database;
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
