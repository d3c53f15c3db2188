import { sql } from 'drizzle-orm';
import { type Granularity, windowLength } from '../catalog/index.ts';
import type { Database } from './database.ts';

/** What a row of a metric table takes on disk, its part of the index included. */
export interface RowSize {
  readonly bytes: number;
  readonly compressedBytes: number;
  /** Rows for each answered token and window, 0 to 1: not every token has every granularity. */
  readonly rowsPerAnswer: number;
}

/** Measured with believable data on TimescaleDB 2.23; finer windows compress better, since more of them share a segment. */
const usual: Readonly<Record<Granularity, Pick<RowSize, 'bytes' | 'compressedBytes'>>> = {
  '15m': { bytes: 237, compressedBytes: 62 },
  '1h': { bytes: 237, compressedBytes: 79 },
  '4h': { bytes: 240, compressedBytes: 101 },
  '1d': { bytes: 240, compressedBytes: 150 },
};

/** Fewest rows and answers that say something about what is to come. */
const fewest = 1000;

/** As far as this database can tell by its own statistics, without counting; else what is usual. */
export async function readRowSize(database: Database, granularity: Granularity): Promise<RowSize> {
  const table = `cryptoracle.metrics_${granularity}`;
  const [row] = await database.query<{ rows: number; bytes: number; answered: number }>(
    'read row size',
    sql`
      with part as (
        -- The table itself, or the chunks of a hypertable, which inherit from it.
        select ${table}::regclass::oid as id
        union all
        select inhrelid from pg_inherits where inhparent = ${table}::regclass
      )
      select
        (select sum(greatest(reltuples, 0))::float8 from part join pg_class on oid = id) as rows,
        (select sum(pg_total_relation_size(id))::float8 from part) as bytes,
        (select sum(windows)::float8 from (
           select max((select sum(extract(epoch from upper(r) - lower(r))) from unnest(answered) as r)
             * 1000 / ${windowLength[granularity]}) as windows
           from cryptoracle.coverage where granularity = ${granularity} group by token) as of_token) as answered`,
  );
  const { rows = 0, bytes = 0, answered = 0 } = row ?? {};
  const known = usual[granularity];
  return {
    ...known,
    ...(rows >= fewest && bytes / rows > known.bytes / 2 ? { bytes: bytes / rows } : {}),
    rowsPerAnswer: rows >= fewest && answered >= fewest ? Math.min(1, rows / answered) : 1,
  };
}
