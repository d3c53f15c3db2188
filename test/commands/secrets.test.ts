import { once } from 'node:events';
import { createServer } from 'node:http';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { SealedCredentials } from '../../src/api/dialects/index.ts';
import type { Simulator } from '../../src/simulator/index.ts';
import type { Database } from '../../src/store/connection/database.ts';
import { startTestSimulator } from '../support/api.ts';
import { createTestDatabase, rows } from '../support/database.ts';
import { createFolder, type Ended, type Environment, runCli, settingsFor, startCli } from './cli.ts';

const credentials: SealedCredentials = {
  apiKey: 'key-Zq81Lw55Xu',
  signSecret: 'sign-Vt27Hc93Rb',
  dataSecret: 'data-Mp64Ky18Jd!',
  dataIv: 'vector-Gn52Wf70!',
};
const command = ['backfill', '--from', '2025-06-01', '--to', '2025-06-03', '--granularity', '1h'];

describe('secrets', () => {
  const folder = createFolder();
  let simulator: Simulator;
  let database: Database;
  let settings: Environment;
  let secrets: readonly string[];
  beforeAll(async () => {
    simulator = await startTestSimulator({ credentials, behaviour: { recordLimit: 100 } });
    database = await createTestDatabase('plain PostgreSQL');
    settings = {
      ...settingsFor(simulator, database.url),
      TOKENS: 'BTC,ETH',
      RECORD_LIMIT: '100',
      LOG_LEVEL: 'trace',
      HTTP_PORT: '0',
      HTTP_TOKEN: 'http-Bx39Ts46Qe',
    };
    const { password } = new URL(database.url);
    expect(password.length).toBeGreaterThan(10);
    const plain = [...Object.values(credentials), 'http-Bx39Ts46Qe', password];
    secrets = plain.flatMap((secret) => [
      secret,
      Buffer.from(secret).toString('base64').replace(/=+$/, ''),
      Buffer.from(secret).toString('hex'),
    ]);
  });

  // What one test was refused is no reason to refuse the next.
  beforeEach(() => database.pool.query('truncate cryptoracle.breaker'));

  /** All that is in the database, as text: every column of every table of ours and of the queue. */
  async function dump(): Promise<string> {
    const tables = await rows<{ name: string }>(
      database,
      `select format('%I.%I', nspname, relname) as name
       from pg_class join pg_namespace on pg_namespace.oid = relnamespace
       where nspname in ('cryptoracle', 'bullmq') and relkind in ('r', 'p')`,
    );
    const texts: string[] = [];
    for (const { name } of tables) {
      const found = await rows<{ text: string }>(
        database,
        `select whole::text as text from ${name} as whole`,
      );
      texts.push(...found.map(({ text }) => text));
    }
    return texts.join('\n');
  }

  async function expectSafe(ended: Ended): Promise<void> {
    const stored = await dump();
    expect(stored).toContain('BTC');
    for (const secret of secrets) {
      for (const text of [ended.stdout, ended.stderr, stored]) expect(text.includes(secret)).toBe(false);
    }
  }

  const outcomes = async () => {
    const found = await rows<{ code: number | null }>(
      database,
      'select distinct code from cryptoracle.requests',
    );
    return found.map(({ code }) => code);
  };

  it('are nowhere after a backfill through an API that fails in many ways', async () => {
    simulator.setFaults({
      error500: { probability: 0.1 },
      throttle: { probability: 0.1, retryAfterSeconds: 0 },
      garbage: { probability: 0.15 },
      cutConnection: { probability: 0.1 },
      unknownCode: { probability: 0.1, code: 599 },
      cutShort: { probability: 0.1 },
    });
    const ended = await runCli(folder, [...command, '--max-requests', '16'], settings);
    expect([0, 75]).toContain(ended.code);
    expect((await outcomes()).length).toBeGreaterThan(2);
    await expectSafe(ended);
  });

  it.each([202, 403])('are nowhere after code %d', async (code) => {
    simulator.setFaults({ unknownCode: { probability: 1, code } });
    const ended = await runCli(folder, [...command, '--token', 'SOL'], { ...settings, TOKENS: 'all' });
    expect(ended.code).toBe(1);
    expect(ended.stderr).toContain(`code ${code}`);
    expect(await outcomes()).toContain(code);
    await expectSafe(ended);
  });

  it('are nowhere even where the API echoes them', async () => {
    const { apiKey, signSecret, dataSecret, dataIv } = credentials;
    const msg = `bad key ${apiKey} or ${signSecret}, ${dataSecret} ${dataIv}`;
    const echo = createServer(async (request, response) => {
      let body = '';
      for await (const chunk of request) body += chunk;
      response
        .setHeader('Content-Type', 'application/json')
        .end(JSON.stringify({ code: 403, msg: msg + body }));
    }).listen(0, '127.0.0.1');
    await once(echo, 'listening');
    const address = echo.address();
    const port = typeof address === 'object' ? address?.port : 0;
    const ended = await runCli(folder, [...command, '--token', 'DOGE'], {
      ...settings,
      TOKENS: 'all',
      CRYPTORACLE_BASE_URL: `http://127.0.0.1:${port}/openapi`,
    });
    echo.close();
    expect(ended.code).toBe(1);
    expect(ended.stderr).toContain('bad key');
    await expectSafe(ended);
  });

  it('are nowhere while the whole pipeline runs with its queue in the database', async () => {
    simulator.setFaults({ error500: { probability: 0.2 }, garbage: { probability: 0.2 } });
    const before = simulator.counters.requests;
    const running = startCli(folder, ['start'], {
      ...settings,
      HISTORY_START: '2026-01-01',
      GRANULARITIES: '1d',
    });
    await expect.poll(() => simulator.counters.requests - before, { timeout: 60_000 }).toBeGreaterThan(8);
    running.process.kill('SIGINT');
    const ended = await running.ended;
    expect(ended.code).toBe(0);
    expect(await rows(database, "select from pg_namespace where nspname = 'bullmq'")).toHaveLength(1);
    await expectSafe(ended);
  });
});
