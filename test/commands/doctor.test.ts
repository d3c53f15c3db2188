import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import type { Simulator } from '../../src/simulator/index.ts';
import type { Database } from '../../src/store/connection/database.ts';
import { storeFact } from '../../src/store/ledger/facts.ts';
import { openBreaker } from '../../src/store/limits/breaker.ts';
import { storePipelineRate } from '../../src/store/limits/pipeline-rate.ts';
import { startTestSimulator } from '../support/api.ts';
import { v1Metrics } from '../support/catalogue.ts';
import { createEmptyDatabase, createTestDatabase, dropDatabase, rows, value } from '../support/database.ts';
import { createLogin } from '../support/logins.ts';
import { createFolder, type Environment, runCli, settingsFor, startCli } from './cli.ts';

interface Finding {
  readonly check: string;
  readonly state: string;
  readonly message: string;
  readonly remedy: string | null;
}

describe('doctor', () => {
  const folder = createFolder();
  let simulator: Simulator;
  let database: Database;
  let settings: Environment;
  beforeAll(async () => {
    simulator = await startTestSimulator({});
    database = await createTestDatabase('plain PostgreSQL');
    settings = settingsFor(simulator, database.url);
    // The queue's tables are made by whoever first needs them.
    expect((await runCli(folder, ['migrate'], settings)).code).toBe(0);
  });

  async function examine(changes: Environment = {}, cwd = folder) {
    const { code, stdout, stderr } = await runCli(cwd, ['doctor', '--json'], { ...settings, ...changes });
    const findings = JSON.parse(stdout) as Finding[];
    return { code, stderr, findings, of: (check: string) => findings.find((each) => each.check === check) };
  }

  it('finds nothing wrong where all is right, with one call that stores nothing', async () => {
    const before = simulator.counters.requests;
    const { code, stderr, findings, of } = await examine({ REQUESTS_PER_DAY: '5000' });
    const states = Object.fromEntries(findings.map(({ check, state }) => [check, state]));
    expect(states).toEqual({
      settings: 'ok',
      database: 'ok',
      schema: 'ok',
      rights: 'ok',
      TimescaleDB: 'warning',
      tokens: 'ok',
      queue: 'ok',
      credentials: 'ok',
      metrics: 'ok',
      API: 'ok',
      clock: 'ok',
      day_start: 'ok',
      record_unit: 'ok',
      record_limit: 'ok',
      token_list: 'ok',
      empty_tags: 'ok',
      clock_offset: 'ok',
      rate: 'ok',
      budget: 'ok',
    });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(of('API')?.message).toMatch(
      new RegExp(String.raw`BTC, 1d of \d{4}-\d\d-\d\d 08:00 \(Beijing\) has ${v1Metrics.length} values`),
    );
    // 127 ticks of two calls each, six for the look-back; with a fifth on top.
    expect(of('budget')?.message).toContain(
      '305 calls a day, the look-back 915; 3,780 of 5,000 are left for history; 1 sent today',
    );
    expect(of('day_start')?.message).toBe(
      'a day starts at 08:00 in Beijing (assumed: nothing has shown it yet)',
    );
    expect(of('record_limit')?.message).toBe(
      '2000 records in an answer at most (assumed: nothing has shown it yet)',
    );
    expect(simulator.counters.requests - before).toBe(1);
    expect(
      await rows(database, 'select outcome, windows_to - windows_from as span from cryptoracle.requests'),
    ).toMatchObject([{ outcome: 'answered', span: { days: 1 } }]);
    expect(await value(database, 'select count(*)::int from cryptoracle.metrics')).toBe(0);
  });

  it('tells every fact with how and when it was found, and where a setting contradicts one', async () => {
    const detail = '2 answers were cut short at 500 values';
    const found = { name: 'record_limit', value: 500, found: 'answered', detail } as const;
    await storeFact(database, found, Date.parse('2025-06-20T00:00:00Z'));
    await storeFact(
      database,
      { name: 'token_list', value: 'not served', found: 'calibrated' },
      Date.parse('2025-06-19T16:30:00Z'),
    );
    expect((await examine()).of('record_limit')).toMatchObject({
      state: 'ok',
      message: `500 records in an answer at most (an answer showed it: ${detail}, 2025-06-20 08:00:00 (Beijing))`,
    });
    const { code, of } = await examine({ RECORD_LIMIT: '1500' });
    expect(code).toBe(0);
    expect(of('record_limit')).toMatchObject({
      state: 'warning',
      message: expect.stringContaining('RECORD_LIMIT says 1500 records in an answer, but 500 was found'),
      remedy: expect.stringContaining('RECORD_LIMIT=500'),
    });
    expect(of('token_list')?.message).toBe(
      'the list of tokens is not served (found by doctor --calibrate, 2025-06-20 00:30:00 (Beijing))',
    );
    await database.pool.query("delete from cryptoracle.facts where name in ('record_limit', 'token_list')");
  });

  it('warns of an answer that brings other things than were asked for', async () => {
    simulator.setFaults({ cutShort: { probability: 1 } });
    const { code, of } = await examine();
    expect(of('API')).toMatchObject({
      state: 'warning',
      message: expect.stringMatching(/it brought [\d,]+, of [\d,]+ windows more than were asked for/),
      remedy: expect.stringContaining('--calibrate'),
    });
    simulator.setFaults({ absurd: { probability: 1 } });
    expect((await examine()).of('API')).toMatchObject({
      state: 'warning',
      message: expect.stringMatching(
        new RegExp(`has ${v1Metrics.length - 1} values; 1 things? .*cannot be stored`),
      ),
      remedy: expect.stringContaining('quarantine'),
    });
    simulator.setFaults({});
    expect(code).toBe(0);
  });

  it("counts with the pipeline's rate, and warns where this shell has another", async () => {
    const rate = { REQUESTS_PER_SECOND: '5', REQUESTS_PER_DAY: '6000' };
    expect((await examine(rate)).of('rate')?.message).toBe(
      '5 requests/s and 6,000 a day; no pipeline has started yet',
    );
    await storePipelineRate(database, { requestsPerSecond: 2, requestsPerDay: 100 });
    const { code, of } = await examine(rate);
    expect(of('rate')).toMatchObject({
      state: 'warning',
      message:
        'the pipeline was started with 2 requests/s and 100 a day; here the settings say 5 requests/s and 6,000 a day',
    });
    expect(of('budget')).toMatchObject({
      state: 'failed',
      message: expect.stringContaining('of 100 are left'),
    });
    expect(code).toBe(1);
    await storePipelineRate(database, { requestsPerSecond: 5, requestsPerDay: 6000 });
    expect((await examine(rate)).of('rate')?.state).toBe('ok');
    await database.pool.query(
      'update cryptoracle.pace set requests_per_second = null, requests_per_day = null',
    );
  });

  it('prints a line for each step, and the remedy below', async () => {
    const { code, stdout } = await runCli(folder, ['doctor'], {
      ...settings,
      CRYPTORACLE_SIGN_SECRET: 'wrong',
    });
    expect(stdout).toMatch(/^ok {7}database {5}PostgreSQL \d/m);
    expect(stdout).toMatch(/^FAILED {3}API {10}.*code 403.*\n +-> CRYPTORACLE_SIGN_SECRET is wrong/m);
    expect(code).toBe(1);
  });

  it('prints times in UTC where asked to', async () => {
    const { stdout } = await runCli(folder, ['doctor', '--utc'], settings);
    expect(stdout).toMatch(/BTC, 1d of \d{4}-\d\d-\d\d 00:00 \(UTC\)/);
    expect(stdout).not.toContain('(Beijing)');
  });

  const wrong = 'sixteen bytes!!!';
  it.concurrent.each([
    ['a setting that cannot be', { HTTP_PORT: 'eighty' }, 'settings', 'failed', 'HTTP_PORT', 1],
    ['a misspelt setting', { CRYPTORACLE_SECRET: 'x' }, 'settings', 'warning', 'CRYPTORACLE_SECRET', 0],
    ['an unknown token', { TOKENS: 'BTC,btc' }, 'tokens', 'warning', 'did you mean BTC', 0],
    ['no key', { CRYPTORACLE_API_KEY: '' }, 'credentials', 'failed', 'CRYPTORACLE_API_KEY', 1],
    ['a wrong key', { CRYPTORACLE_API_KEY: 'x' }, 'API', 'failed', 'whitelist', 1],
    [
      'a wrong data secret',
      { CRYPTORACLE_DATA_SECRET: wrong },
      'API',
      'failed',
      'CRYPTORACLE_DATA_SECRET',
      1,
    ],
    [
      'a wrong version',
      { CRYPTORACLE_API_VERSION: 'v9' },
      'settings',
      'failed',
      'CRYPTORACLE_API_VERSION',
      1,
    ],
    ['an API that is away', { CRYPTORACLE_BASE_URL: 'http://127.0.0.1:1' }, 'API', 'failed', 'network', 75],
    ['a budget too small', { REQUESTS_PER_DAY: '100' }, 'budget', 'failed', 'REQUESTS_PER_DAY', 1],
    ['no server', { DATABASE_URL: 'postgresql://127.0.0.1:1/x' }, 'database', 'failed', 'no PostgreSQL', 75],
    ['no Redis', { REDIS_URL: 'redis://127.0.0.1:1' }, 'queue', 'failed', 'no Redis answers', 75],
  ] as const)('names %s', async (_, changes, check, state, named, exitCode) => {
    const { code, of } = await examine(changes);
    const found = of(check);
    expect(found?.state).toBe(state);
    expect(`${found?.message} ${found?.remedy}`).toContain(named);
    expect(code).toBe(exitCode);
  });

  it('goes on with what does not need the database', async () => {
    const { of } = await examine({ DATABASE_URL: 'postgresql://127.0.0.1:1/x' });
    expect(of('API')).toMatchObject({ state: 'ok' });
    expect(of('budget')?.state).toBe('skipped');
  });

  it('changes nothing where there is no schema yet, and makes no database', async () => {
    const url = await createEmptyDatabase('plain PostgreSQL');
    afterAll(() => dropDatabase('plain PostgreSQL', url));
    const { code, of } = await examine({ DATABASE_URL: url });
    expect(of('schema')).toMatchObject({ state: 'warning', remedy: expect.stringContaining('migrate') });
    expect(code).toBe(0);
    expect((await examine({ DATABASE_URL: url })).of('schema')?.state).toBe('warning');

    const place = createFolder();
    const embedded = await examine({ DATABASE_URL: '', DATA_DIR: 'data' }, place);
    expect(embedded.of('database')).toMatchObject({ state: 'ok', message: expect.stringContaining('data') });
    expect(existsSync(join(place, 'data'))).toBe(false);
    // The demo keeps its data below, and is not the database.
    mkdirSync(join(place, 'data', 'demo'), { recursive: true });
    await examine({ DATABASE_URL: '', DATA_DIR: 'data' }, place);
    expect(readdirSync(join(place, 'data'))).toEqual(['demo']);
  });

  it('says which role a user lacks', async () => {
    const reader = await createLogin(database, 'cryptoracle_reader');
    const stranger = (await examine({ DATABASE_URL: reader.url })).of('schema');
    expect(stranger).toMatchObject({
      state: 'failed',
      remedy: expect.stringContaining('cryptoracle_worker'),
    });
    const worker = await createLogin(database, 'cryptoracle_worker');
    expect((await examine({ DATABASE_URL: worker.url })).code).toBe(0);
  });

  it('compares the clock with those of the database and the API', async () => {
    const clockFile = join(folder, 'clock');
    writeFileSync(clockFile, '90000');
    const { code, stdout } = await startCli(folder, ['doctor', '--json'], {
      ...settings,
      NODE_OPTIONS: `--import=${pathToFileURL(inject('skewedClock')).href}`,
      CHAOS_CLOCK_FILE: clockFile,
    }).ended;
    const found = (JSON.parse(stdout) as Finding[]).find(({ check }) => check === 'clock');
    expect(found?.state).toBe('failed');
    expect(found?.message).toMatch(/(89|90)\.\d s from the API, (89|90)\.\d s from the database/);
    expect(code).toBe(1);
  });

  it('lets workers go on at once where access was refused and is granted again', async () => {
    const now = Date.now();
    await openBreaker(database, { code: 202, reason: 'unauthorized' }, now, 3_600_000);
    expect((await examine()).of('API')?.message).toContain('refused access before');
    const probe = await value<Date>(database, 'select probe_at from cryptoracle.breaker');
    expect(probe.getTime()).toBeLessThanOrEqual(Date.now());
  });
});
