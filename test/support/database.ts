import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { pino } from 'pino';
import { describe, inject } from 'vitest';
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

async function withClient(url: string, work: (client: pg.Client) => Promise<unknown>): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await work(client);
  } finally {
    await client.end();
  }
}

const administer = (kind: ServerKind, statement: string) =>
  withClient(serverUrl(kind) ?? '', (client) => client.query(statement));

/** An empty database. @returns its address */
export function createEmptyDatabase(kind: ServerKind): Promise<string> {
  return createDatabase(kind);
}

async function createDatabase(kind: ServerKind, template?: string): Promise<string> {
  const name = `test_${randomBytes(6).toString('hex')}`;
  await administer(kind, `create database ${name}${template === undefined ? '' : ` template ${template}`}`);
  const url = new URL(serverUrl(kind) ?? '');
  url.pathname = `/${name}`;
  return url.href;
}

export async function dropDatabase(kind: ServerKind, url: string): Promise<void> {
  await administer(kind, `drop database if exists ${new URL(url).pathname.slice(1)} with (force)`);
}

/** A migrated database, copied from one that was migrated once; it is dropped when the test file ends. */
export async function createTestDatabase(kind: ServerKind): Promise<Database> {
  const url = await createDatabase(
    kind,
    inject(kind === 'TimescaleDB' ? 'timescaleTemplate' : 'plainTemplate'),
  );
  // Settings of a database are not part of it, and are not copied.
  const database = new Database(url, { connections: 12 });
  await database.connect(turnOffJit);
  // The simulator starts its days at midnight, unless it is told otherwise.
  await database.pool.query(
    "insert into cryptoracle.facts (name, value, found, since) values ('day_start', '00:00', 'setting', now())",
  );
  onFileEnd(async () => {
    await database.close();
    await dropDatabase(kind, url);
  });
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
