import { granularities } from '../../src/catalog/index.ts';
import type { Database } from '../../src/store/connection/database.ts';
import { countValues } from '../copy.ts';
import type { Figure } from '../figure.ts';
import { load } from '../load.ts';
import type { Bench } from '../world.ts';

async function hasTimescale(database: Database): Promise<boolean> {
  return (await database.pool.query("select from pg_extension where extname = 'timescaledb'")).rowCount === 1;
}

async function bytesOfValues(database: Database): Promise<number> {
  const sizeOf = (await hasTimescale(database)) ? 'hypertable_size' : 'pg_total_relation_size';
  const { rows } = await database.pool.query<{ bytes: number }>(
    `select sum(${sizeOf}(name::regclass))::float8 as bytes from unnest($1::text[]) as name`,
    [granularities.map((each) => `cryptoracle.metrics_${each}`)],
  );
  return rows[0]?.bytes ?? Number.NaN;
}

async function bytesOfBooks(database: Database): Promise<number> {
  const { rows } = await database.pool.query<{ bytes: number }>(
    `select sum(pg_total_relation_size(c.oid))::float8 as bytes
     from pg_class as c join pg_namespace as n on n.oid = c.relnamespace
     where n.nspname = 'cryptoracle' and c.relkind = 'r' and c.relname not like 'metrics@_%' escape '@'`,
  );
  return rows[0]?.bytes ?? Number.NaN;
}

/** The log is loaded for a year: leaves the part that belongs to so many days. */
async function shortenLog(database: Database, days: number): Promise<void> {
  await database.pool.query('delete from cryptoracle.requests where id > 60000.0 * $1 / 365', [days]);
  await database.pool.query('vacuum full cryptoracle.requests');
}

export const storage: Bench = {
  name: 'storage',
  about: 'bytes on disk for each value, and for the books about them',
  needsDatabase: true,
  async run(world) {
    const database = await world.database();
    const days = Math.min(world.size.loadedDays, 90);
    await load(database, { days, tokens: world.tokens }, () => {}, 'leave fresh');
    await shortenLog(database, days);
    const values = await countValues(database);
    const fresh = await bytesOfValues(database);
    const detail = `${values.toLocaleString('en-US')} values`;
    const figures: Figure[] = [
      { name: 'fresh, each value', value: fresh / values, unit: 'bytes', goal: { atMost: 16 }, detail },
      {
        ...{ name: 'books beside values', value: ((await bytesOfBooks(database)) / fresh) * 100, unit: '%' },
        ...{ goal: { atMost: 5 }, detail: 'ledger, log of calls, tags and all other tables' },
      },
    ];
    const name = 'compressed, each value';
    const goal = { atMost: 3.5 } as const;
    if (!(await hasTimescale(database))) {
      return [...figures, { name, unit: 'bytes', goal, absent: 'only TimescaleDB compresses' }];
    }
    for (const granularity of granularities) {
      await database.pool.query(`select compress_chunk(show_chunks('cryptoracle.metrics_${granularity}'))`);
    }
    return [
      ...figures,
      { name, value: (await bytesOfValues(database)) / values, unit: 'bytes', goal, detail },
    ];
  },
};
