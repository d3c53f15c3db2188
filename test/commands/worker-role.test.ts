import { beforeAll, describe, expect, it } from 'vitest';
import { formatBeijingDate } from '../../src/beijing.ts';
import type { Simulator } from '../../src/simulator/index.ts';
import type { Database } from '../../src/store/database.ts';
import { startTestSimulator } from '../support/api.ts';
import { day } from '../support/clock.ts';
import {
  createEmptyDatabase,
  createTestDatabase,
  describeOnServers,
  dropDatabase,
  rows,
  value,
} from '../support/database.ts';
import { createLogin } from '../support/logins.ts';
import { createFolder, type Environment, expectMistake, runCli, settingsFor, startCli } from './cli.ts';

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
    for (const command of [[...backfill, '--dry-run'], backfill, ['gaps'], ['status']]) {
      const ended = await runCli(folder, command, settings);
      expect([command[0], ended.code, ended.stderr]).toEqual([
        command[0],
        0,
        expect.not.stringMatching('error'),
      ]);
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
    await expect.poll(() => simulator.counters.requests - before, { timeout: 20_000 }).toBeGreaterThan(3);
    const [url = ''] = /http:\/\/127\.0\.0\.1:\d+/.exec(said) ?? [];
    const metrics = await (await fetch(`${url}/metrics`)).text();
    expect(metrics).toMatch(/^cryptoracle_database_up 1$/m);
    expect(metrics).toMatch(/^cryptoracle_queue_up 1$/m);
    running.process.kill('SIGINT');
    const ended = await running.ended;
    expect(ended.code).toBe(0);
    expect(ended.stderr).not.toMatch(/"level":[56]0|denied/);
    expect(await value<number>(database, 'select count(*)::int from bullmq.scheduler')).toBeGreaterThan(4);
  });

  it('is told in one line who must run `migrate`', async () => {
    expectMistake(await runCli(folder, ['migrate'], settings), [
      'DATABASE_URL',
      '`migrate` once as the owner',
    ]);
    const url = await createEmptyDatabase(kind);
    const fresh = new URL(settings.DATABASE_URL ?? '');
    fresh.pathname = new URL(url).pathname;
    const ended = await runCli(folder, ['start'], { ...settings, DATABASE_URL: fresh.href });
    await dropDatabase(kind, url);
    expectMistake(ended, ['DATABASE_URL', '`migrate` once as the owner']);
  });
});

describe('`migrate` with Redis', () => {
  it('makes no queue in the database; whoever then wants one there is told in one line', async () => {
    const folder = createFolder();
    const database = await createTestDatabase('plain PostgreSQL');
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
