import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { createTemporaryFolder } from '../harness/leftovers.ts';
import { bundleProgram } from '../harness/program.ts';
import { Random } from '../harness/random.ts';
import { PostgresServer } from '../harness/servers.ts';
import { formatBeijingDate } from '../src/beijing.ts';
import { granularities, windowLength } from '../src/catalog/index.ts';
import { startSimulator } from '../src/simulator/index.ts';

/**
 * `npm run bench:killed -- [days] [kills] [seed] [rate]`: a backfill of everything, undisturbed, and once more killed at random and
 * finished by other processes. Prints what the dry run said, what the runs took, and what is left. The rate is one that two
 * cores keep up with, the simulator beside them. BENCH_DATABASE_URL names an empty database to use, on a server with
 * TimescaleDB to see what compression leaves; without it a plain PostgreSQL is started and thrown away.
 */

const days = Number(process.argv[2] ?? 90);
const kills = Number(process.argv[3] ?? 10);
const rate = Number(process.argv[5] ?? 30);
const random = new Random(Number(process.argv[4] ?? 1));

const program = await bundleProgram();
const folder = createTemporaryFolder('killed');
const given = process.env.BENCH_DATABASE_URL;
const postgres = given === undefined ? await PostgresServer.start() : undefined;
const databaseUrl = given ?? postgres?.url ?? '';
// Truth stands still, so that every request is answered alike in all runs.
const simulator = await startSimulator({ seed: 3, market: { lateShare: 0, changedShare: 0 } });
const { apiKey, signSecret, dataSecret, dataIv } = simulator.credentials;
const client = new pg.Client({ connectionString: databaseUrl });
await client.connect();

const environment = {
  PATH: process.env.PATH ?? '',
  HOME: process.env.HOME ?? '',
  LOG_LEVEL: 'error',
  DATABASE_URL: databaseUrl,
  CRYPTORACLE_BASE_URL: simulator.url,
  CRYPTORACLE_API_KEY: apiKey,
  CRYPTORACLE_SIGN_SECRET: signSecret,
  CRYPTORACLE_DATA_SECRET: dataSecret,
  CRYPTORACLE_DATA_IV: dataIv,
  REQUESTS_PER_SECOND: String(rate),
};

function start(...args: string[]) {
  const child = spawn(process.execPath, [program.cli, ...args], {
    cwd: folder.path,
    env: environment,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  return { child, ended: once(child, 'close').then(() => ({ code: child.exitCode, output })) };
}

async function run(...args: string[]) {
  const { code, output } = await start(...args, '--json').ended;
  return { code, result: JSON.parse(output) as Record<string, number> };
}

const end = Date.now() - 2 * 86_400_000;
const range = ['--from', formatBeijingDate(end - days * 86_400_000), '--to', formatBeijingDate(end)];
const newestDay = ['--from', formatBeijingDate(end), '--to', formatBeijingDate(end + 2 * 86_400_000)];
const tables = granularities.map((each) => `cryptoracle.metrics_${each}`);

async function hasTimescale(): Promise<boolean> {
  return (await client.query("select from pg_extension where extname = 'timescaledb'")).rowCount === 1;
}

async function size(): Promise<number> {
  const sizeOf = (await hasTimescale()) ? 'hypertable_size' : 'pg_total_relation_size';
  const { rows } = await client.query<{ bytes: number }>(
    `select sum(${sizeOf}(name::regclass))::float8 as bytes from unnest($1::text[]) as name`,
    [tables],
  );
  return rows[0]?.bytes ?? 0;
}

/** Compresses all there is, as time will. @returns bytes that are left of it */
async function compressedSize(): Promise<number> {
  await client.query('select compress_chunk(show_chunks(name::regclass)) from unnest($1::text[]) as name', [
    tables,
  ]);
  return size();
}

/** Cells that the ledger calls answered. */
async function answered(): Promise<number> {
  const lengths = granularities.map((each) => windowLength[each]);
  const { rows } = await client.query<{ cells: number }>(
    `select sum(extract(epoch from upper(part) - lower(part)) * 1000 / length)::float8 as cells
     from cryptoracle.coverage
     join unnest($1::text[], $2::int[]) as known (granularity, length) using (granularity), unnest(answered) as part`,
    [granularities, lengths],
  );
  return rows[0]?.cells ?? 0;
}

/** An empty database that has seen two days of everything, so that it knows which tokens have what. */
async function prepare(): Promise<void> {
  await start('migrate').ended;
  await client.query(`truncate ${[...tables, 'cryptoracle.coverage', 'cryptoracle.requests'].join()}`);
  await run('backfill', ...newestDay);
  await client.query(`analyze ${tables.join()}`);
}

function report(name: string, value: unknown): void {
  process.stdout.write(`${name.padEnd(34)}${String(value)}\n`);
}

try {
  await prepare();
  const price = (await run('backfill', ...range, '--dry-run')).result;
  const sizeBefore = await size();
  const answeredBefore = await answered();
  const sentBefore = simulator.counters.requests;
  const started = performance.now();
  const undisturbed = await run('backfill', ...range);
  const sent = simulator.counters.requests - sentBefore;
  const seconds = (performance.now() - started) / 1000;
  report('days, kills', `${days}, ${kills}`);
  report('dry run: requests, values', `${price.requests}, ${price.values}`);
  report('undisturbed: requests sent', `${sent} in ${seconds.toFixed(0)} s, exit code ${undisturbed.code}`);
  report('dry run against run: requests', `${(((price.requests ?? 0) / sent) * 100).toFixed(2)} %`);
  const { values = 0, seconds: promised = 0 } = price;
  report('values', `${((values / ((await answered()) - answeredBefore)) * 100).toFixed(2)} %`);
  report('time', `${promised.toFixed(0)} s, ${((promised / seconds) * 100).toFixed(1)} %`);
  const grown = (await size()) - sizeBefore;
  report(
    'disk said, disk taken',
    `${price.bytes}, ${grown} (${(((price.bytes ?? 0) / grown) * 100).toFixed(1)} %)`,
  );
  if (await hasTimescale()) {
    // Rows that were there before are compressed with it.
    const part = grown / (await size());
    const left = part * (await compressedSize());
    report(
      'compressed: said, left',
      `${price.compressedBytes}, ${left.toFixed(0)} (${(((price.compressedBytes ?? 0) / left) * 100).toFixed(1)} %)`,
    );
  }

  if (kills > 0) {
    await prepare();
    const before = simulator.counters.requests;
    const pause = (seconds * 1000) / (kills + 2);
    for (let kill = 0; kill < kills; kill++) {
      const { child, ended } = start('backfill', ...(kill === 0 ? range : ['resume']));
      // Starting takes a moment, in which nothing is sent.
      await sleep(2500 + random.between(pause / 4, pause));
      child.kill('SIGKILL');
      await ended;
    }
    const last = await run('backfill', 'resume');
    const sentKilled = simulator.counters.requests - before;
    report('killed: requests sent', `${sentKilled}, exit code ${last.code}`);
    report('more than undisturbed', `${((sentKilled / sent - 1) * 100).toFixed(2)} %`);
    const gaps = JSON.parse((await start('gaps', ...range, '--json').ended).output) as unknown[];
    report('gaps left', gaps.length);
  }
} finally {
  await client.end();
  await simulator.close();
  await postgres?.stop();
  program.remove();
  folder.remove();
}
