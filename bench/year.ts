import { PostgresServer, silent } from '../harness/servers.ts';
import { systemClock } from '../src/clock.ts';
import { Database } from '../src/store/connection/database.ts';
import { migrate } from '../src/store/setup/migrate.ts';
import { load, yearOfEverything } from './load.ts';
import { questions } from './questions.ts';

/**
 * How fast analysts get their answers with a year of everything loaded: 120 million values, on TimescaleDB compressed as
 * its policies would. BENCH_DATABASE_URL names an empty database, or one that this has filled before; without it an
 * embedded plain PostgreSQL is filled and thrown away. Takes some two minutes and 3 GB (plain) or 1 GB (TimescaleDB).
 */

const runs = 21;

function report(what: string, figure: string): void {
  process.stdout.write(`${what.padEnd(52)} ${figure}\n`);
}

/** The middle of several runs, in milliseconds, after one that warms up; with the way to us and back. */
async function median(database: Database, sql: string): Promise<{ rows: number; milliseconds: number }> {
  const { rows } = await database.pool.query(sql);
  const times: number[] = [];
  for (let run = 0; run < runs; run++) {
    const started = performance.now();
    await database.pool.query(sql);
    times.push(performance.now() - started);
  }
  times.sort((a, b) => a - b);
  return { rows: rows.length, milliseconds: times[Math.floor(runs / 2)] ?? Number.NaN };
}

const given = process.env.BENCH_DATABASE_URL;
const embedded = given === undefined ? await PostgresServer.start() : undefined;
const database = new Database(given ?? embedded?.url ?? '', { connections: 2 });
try {
  await migrate(database, systemClock, silent);
  const { values, seconds } = await load(database, yearOfEverything, (line) =>
    process.stderr.write(`${line}\n`),
  );
  const { rows } = await database.pool.query<{ size: string; server: string; timescale: string | null }>(
    `select pg_size_pretty(pg_database_size(current_database())) as size, current_setting('server_version') as server,
       (select extversion from pg_extension where extname = 'timescaledb') as timescale`,
  );
  const [about] = rows;
  report(
    'PostgreSQL',
    `${about?.server}${about?.timescale ? `, TimescaleDB ${about.timescale}` : ', plain'}`,
  );
  report('values', `${values.toLocaleString('en-US')}, ${about?.size}, ready in ${seconds.toFixed(0)} s`);
  for (const { name, sql } of questions) {
    const { rows: found, milliseconds } = await median(database, sql);
    report(name, `${milliseconds.toFixed(1).padStart(7)} ms  ${String(found).padStart(5)} rows`);
  }
} finally {
  await database.close();
  await embedded?.stop();
}
