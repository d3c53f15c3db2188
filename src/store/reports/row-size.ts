import { sql } from 'drizzle-orm';
import type { Granularity } from '../../catalog/index.ts';
import type { Database } from '../connection/database.ts';
import { metricTableName } from '../schema/sql.ts';

/** The room that a row of a metric table takes on disk, its part of the indexes included. */
export interface RowSize {
  readonly bytes: number;
  readonly compressedBytes: number;
}

/**
 * Measured after a fill of 90 days of all tokens and metrics, between what TimescaleDB and plain PostgreSQL take, which
 * are 2 % apart (`npm run bench:killed` checks it). A row has 175 bytes in
 * the table; days are so few that requests divide their metrics, and their rows are written twice.
 */
const usual: Readonly<Record<Granularity, RowSize>> = {
  '15m': { bytes: 241, compressedBytes: 60 },
  '1h': { bytes: 241, compressedBytes: 62 },
  '4h': { bytes: 240, compressedBytes: 62 },
  '1d': { bytes: 285, compressedBytes: 94 },
};

/** The rows that a measurement needs: fewer say little, since every relation begins with pages that are not full. */
const enoughRows = 200_000;

/**
 * Reads the size of a row from the statistics of this database, without counting; where they say too little, the usual
 * size.
 */
export async function readRowSize(database: Database, granularity: Granularity): Promise<RowSize> {
  const table = metricTableName(granularity);
  const [row] = await database.query<{ rows: number; bytes: number }>(
    'read row size',
    sql`
      with part as (
        -- The table itself, or the chunks of a hypertable, which inherit from it.
        select ${table}::regclass::oid as id
        union all
        select inhrelid from pg_inherits where inhparent = ${table}::regclass
      )
      select coalesce(sum(reltuples), 0)::float8 as rows, coalesce(sum(pg_total_relation_size(id)), 0)::float8 as bytes
      from part join pg_class on oid = id
      -- A compressed chunk keeps its number of rows, but not the rows.
      where reltuples > 0 and pg_relation_size(id) > 0`,
  );
  const { rows = 0, bytes = 0 } = row ?? {};
  const known = usual[granularity];
  return rows < enoughRows ? known : { ...known, bytes: bytes / rows };
}
