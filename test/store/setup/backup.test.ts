import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { createDatabase } from '../../../harness/databases.ts';
import { DebianServer, findPrograms, withTimescale } from '../../../harness/debian-server.ts';
import { compareWithTruth } from '../../../harness/truth.ts';
import { bundledTokens, granularities } from '../../../src/catalog/index.ts';
import { wantedWindows } from '../../../src/planning/plan.ts';
import { migrateQueue } from '../../../src/queue/schema.ts';
import type { Simulator } from '../../../src/simulator/index.ts';
import { Database } from '../../../src/store/connection/database.ts';
import { migrate } from '../../../src/store/setup/migrate.ts';
import { createFolder, runCli } from '../../commands/cli.ts';
import { startTestSimulator } from '../../support/api.ts';
import { day, hour, ManualClock } from '../../support/clock.ts';
import { silent, value } from '../../support/database.ts';
import { openTestQueue, runPipeline, testSettings } from '../../support/pipeline.ts';
import { onFileEnd } from '../../support/releasers.ts';

/** docs/backup.md: what it tells people to type works, and nothing is missing afterwards. */

const page = readFileSync(new URL('../../../docs/backup.md', import.meta.url), 'utf8');
const [dump = '', restorePlain = '', restoreTimescale = ''] = [...page.matchAll(/```sh\n([\s\S]*?)```/g)].map(
  ([, block = '']) => block,
);

const tokens = bundledTokens.slice(0, 3).map(({ token }) => token);
const settings = testSettings({ TOKENS: tokens.join(), HISTORY_START: '2025-06-15' });

const programs = findPrograms('timescaledb.so');

describe.skipIf(programs === undefined)('a backup', { timeout: 120_000 }, () => {
  const folder = createFolder();
  const clock = new ManualClock('2025-06-17T02:20:00Z');
  let simulator: Simulator;
  /** The server that is lost, and a new one that has never seen this program. */
  let old: DebianServer;
  let fresh: DebianServer;

  beforeAll(async () => {
    simulator = await startTestSimulator({ clock, seed: 5, market: { changedShare: 0 } });
    old = await DebianServer.start(programs ?? '', withTimescale);
    fresh = await DebianServer.start(programs ?? '', withTimescale);
    onFileEnd(() => Promise.all([old.stop(), fresh.stop()]));
  });

  async function open(url: string): Promise<Database> {
    const database = new Database(url, { connections: 12 });
    onFileEnd(() => database.close());
    return database;
  }

  const create = async (server: DebianServer) => open((await createDatabase(server.url)).url);

  /** Runs the pipeline until nothing is left to do. */
  async function work(database: Database): Promise<void> {
    const backend = await openTestQueue('PostgreSQL', database);
    const pipeline = await runPipeline({ database, simulator, clock, settings, backend });
    await pipeline.idle();
    await pipeline.stop();
  }

  async function type(text: string, original: Database, restored: Database): Promise<void> {
    const child = spawn('bash', ['-euc', text], {
      cwd: folder,
      env: {
        PATH: `${programs}:${process.env.PATH}`,
        DATABASE_URL: original.url,
        NEW_DATABASE_URL: restored.url,
      },
    });
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (part: string) => {
      said += part;
    });
    const [code] = await once(child, 'close');
    expect(code, said).toBe(0);
    expect(said).not.toMatch(/error/i);
  }

  /** A digest of each table that matters. */
  const contents = (database: Database) =>
    Promise.all(
      [...granularities.map((each) => `metrics_${each}`), 'coverage', 'requests', 'events', 'token_tags'].map(
        (table) =>
          value<string>(
            database,
            `select md5(coalesce(string_agg(t::text, '' order by t::text), '')) from cryptoracle.${table} as t`,
          ),
      ),
    );
  it('of hypertables is restored into a new cluster, and everything since then is filled', async () => {
    const original = await create(old);
    await migrate(original, clock, silent);
    await migrateQueue(original);
    await work(original);
    const restored = await create(fresh);
    await type(dump, original, restored);
    const dumped = await contents(original);
    await type(restoreTimescale, original, restored);
    expect(await contents(restored)).toEqual(dumped);

    const run = (command: string) => runCli(folder, [command], { DATABASE_URL: restored.url });
    expect((await run('doctor')).stdout).toMatch(
      /^warning +rights .*cryptoracle_reader and cryptoracle_worker.*\n.*`migrate`/m,
    );
    expect((await run('migrate')).code).toBe(0);
    expect((await run('doctor')).stdout).toMatch(/^ok +rights /m);
    expect(await contents(restored)).toEqual(dumped);

    // A day of work went down with the old one.
    clock.advance(day + hour);
    await work(restored);
    const end = clock.now();
    const { historyStart: start, settleDelay } = settings;
    const wanted = wantedWindows({ start, end }, granularities, end, settleDelay, '08:00');
    const comparison = await compareWithTruth(restored, simulator.market, tokens, wanted, end);
    expect(comparison.differences.slice(0, 3)).toEqual([]);
    expect(comparison.withValue).toBeGreaterThan(5000);
  });

  it('of plain tables is restored, and becomes hypertables where there is TimescaleDB', async () => {
    const plain = await DebianServer.start(programs ?? '', {});
    onFileEnd(() => plain.stop());
    const original = await create(plain);
    await migrate(original, clock, silent);
    await migrateQueue(original);
    await work(original);
    expect(
      await value(original, "select count(*)::int from pg_extension where extname = 'timescaledb'"),
    ).toBe(0);
    const restored = await create(fresh);
    await type(dump, original, restored);
    await type(restorePlain, original, restored);
    expect((await runCli(folder, ['migrate'], { DATABASE_URL: restored.url })).code).toBe(0);
    expect(await contents(restored)).toEqual(await contents(original));
    expect(
      await value(
        restored,
        'select count(*)::int from timescaledb_information.hypertables where compression_enabled',
      ),
    ).toBe(granularities.length);
  });
});
