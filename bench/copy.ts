import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { from, to } from 'pg-copy-streams';
import { type Granularity, granularities } from '../src/catalog/index.ts';
import type { Database } from '../src/store/connection/database.ts';

/** The ceiling of everything that writes: PostgreSQL's binary COPY of the same rows into the same tables, in one go. */

export type Rows = ReadonlyMap<Granularity, Buffer>;

/** Takes the rows out of the database as COPY writes them, and empties the tables. */
export async function takeRows(database: Database): Promise<Rows> {
  const client = await database.pool.connect();
  try {
    const rows = new Map<Granularity, Buffer>();
    for (const granularity of granularities) {
      const table = `cryptoracle.metrics_${granularity}`;
      rows.set(
        granularity,
        await buffer(client.query(to(`copy (select * from ${table}) to stdout (format binary)`))),
      );
      await client.query(`truncate ${table}`);
    }
    return rows;
  } finally {
    client.release();
  }
}

/** Writes them back. @returns milliseconds */
export async function copyRows(database: Database, rows: Rows): Promise<number> {
  const client = await database.pool.connect();
  try {
    const started = performance.now();
    for (const [granularity, bytes] of rows) {
      const copy = client.query(from(`copy cryptoracle.metrics_${granularity} from stdin (format binary)`));
      await pipeline(Readable.from(slices(bytes)), copy);
    }
    return performance.now() - started;
  } finally {
    client.release();
  }
}

function* slices(bytes: Buffer): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += 65_536) yield bytes.subarray(at, at + 65_536);
}

/** How many rows of values and of the ledger sessions that have ended changed or removed: each leaves a dead one. */
export async function countChanges(database: Database): Promise<number> {
  const { rows } = await database.pool.query<{ changed: number }>(
    `select sum(n_tup_upd + n_tup_del)::float8 as changed from pg_stat_user_tables
     where relname ~ '^(metrics_|coverage$|_hyper_)'`,
  );
  return rows[0]?.changed ?? Number.NaN;
}

export async function countValues(database: Database): Promise<number> {
  const columns = database.catalogue.metrics.map(({ column }) => `count(${column})`).join(' + ');
  const tables = granularities.map((each) => `(select ${columns} from cryptoracle.metrics_${each})`);
  const { rows } = await database.pool.query<{ count: number }>(
    `select (${tables.join(' + ')})::float8 as count`,
  );
  return rows[0]?.count ?? 0;
}
