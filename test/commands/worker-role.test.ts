import { beforeAll, describe, expect, it } from 'vitest';
import { formatBeijingDate } from '../../src/beijing.ts';
import { type Simulator, sampleCredentials } from '../../src/simulator/index.ts';
import type { Database } from '../../src/store/connection/database.ts';
import { startTestSimulator } from '../support/api.ts';
import { day } from '../support/clock.ts';
import {
  createEmptyDatabase,
  createTestDatabase,
  describeOnServers,
  dropDatabase,
  dropQueue,
  rows,
  value,
} from '../support/database.ts';
import { createLogin } from '../support/logins.ts';
import {
  createFolder,
  credentialSettings,
  type Environment,
  expectMistake,
  runCli,
  settingsFor,
  startCli,
} from './cli.ts';

const daysAgo = (days: number) => formatBeijingDate(Date.now() - days * day);
const backfill = ['backfill', '--from', daysAgo(6), '--to', daysAgo(2)];

describeOnServers('a login that is only a worker, once the owner has run `migrate`,', (kind) => {
  const folder = createFolder();
  let simulator: Simulator;
  let database: Database;
  let settings: Environment;
  beforeAll(async () => {
    simulator = await startTestSimulator({});
    database = await createTestDatabase(kind);
    const migrated = await runCli(folder, ['migrate'], { DATABASE_URL: database.url });
    expect([migrated.code, migrated.stdout]).toEqual([0, 'the database has the newest schema\n']);
    const login = await createLogin(database, 'cryptoracle_worker');
    settings = {
      ...settingsFor(simulator, login.url),
      TOKENS: 'BTC,ETH,XRP',
      GRANULARITIES: '4h,1d',
      HISTORY_START: daysAgo(10),
    };
  });

  it('runs `backfill`, `gaps` and `status`', async () => {
    const filled = await runCli(folder, backfill, settings);
    const reported = await Promise.all([['gaps'], ['status']].map((each) => runCli(folder, each, settings)));
    for (const { code, stderr } of [filled, ...reported]) {
      expect(stderr).not.toContain('error');
      expect(code).toBe(0);
    }
    expect(await rows(database, 'select state from cryptoracle.backfills')).toEqual([{ state: 'done' }]);
  });

  it('runs `start` in all roles, with the queue in the database', async () => {
    const before = simulator.counters.requests;
    const running = startCli(folder, ['start'], { ...settings, HTTP_PORT: '0', LOG_LEVEL: 'info' });
    let said = '';
    running.process.stderr?.on('data', (text: string) => {
      said += text;
    });
    try {
      await expect.poll(() => simulator.counters.requests - before, { timeout: 60_000 }).toBeGreaterThan(3);
      const [url = ''] = /http:\/\/127\.0\.0\.1:\d+/.exec(said) ?? [];
      const metrics = await (await fetch(`${url}/metrics`)).text();
      expect(metrics).toMatch(/^cryptoracle_database_up 1$/m);
      expect(metrics).toMatch(/^cryptoracle_queue_up 1$/m);
    } finally {
      running.process.kill('SIGINT');
    }
    const ended = await running.ended;
    expect(ended.code).toBe(0);
    expect(ended.stderr).not.toMatch(/"level":[56]0|denied/);
    expect(await value<number>(database, 'select count(*)::int from bullmq.scheduler')).toBeGreaterThan(4);
  });
});

describe('who must run `migrate` is said in one line', () => {
  const folder = createFolder();

  it('where a worker runs it, or finds no schema', async () => {
    const database = await createTestDatabase('plain PostgreSQL');
    const worker = await createLogin(database, 'cryptoracle_worker');
    const url = await createEmptyDatabase('plain PostgreSQL');
    const empty = new URL(worker.url);
    empty.pathname = new URL(url).pathname;
    const [migrated, started] = await Promise.all([
      runCli(folder, ['migrate'], { DATABASE_URL: worker.url }),
      runCli(folder, ['start'], { ...credentialSettings(sampleCredentials), DATABASE_URL: empty.href }),
    ]);
    await dropDatabase('plain PostgreSQL', url);
    for (const ended of [migrated, started])
      expectMistake(ended, ['DATABASE_URL', '`migrate` once as the owner']);
  });

  it('where it was run with Redis, which makes no queue in the database, and one is wanted there', async () => {
    const database = await createTestDatabase('plain PostgreSQL');
    await dropQueue(database);
    const withRedis = { DATABASE_URL: database.url, REDIS_URL: 'redis://127.0.0.1:1' };
    expect((await runCli(folder, ['migrate'], withRedis)).code).toBe(0);
    expect(await rows(database, "select from pg_namespace where nspname = 'bullmq'")).toEqual([]);
    const login = await createLogin(database, 'cryptoracle_worker');
    const ended = await runCli(folder, ['start', '--role', 'server'], {
      DATABASE_URL: login.url,
      HTTP_PORT: '0',
    });
    expectMistake(ended, ['DATABASE_URL: the queue', 'run `migrate` once, without REDIS_URL']);
  });
});
