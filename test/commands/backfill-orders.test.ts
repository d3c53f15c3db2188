import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { compareWithTruth } from '../../harness/truth.ts';
import { asToken } from '../../src/catalog/index.ts';
import type { Simulator } from '../../src/simulator/index.ts';
import type { Database } from '../../src/store/connection/database.ts';
import { startTestSimulator } from '../support/api.ts';
import { v1Metrics } from '../support/catalogue.ts';
import { createTestDatabase, rows, value } from '../support/database.ts';
import {
  createFolder,
  type Ended,
  type Environment,
  errorLines,
  expectMistake,
  runCli,
  settingsFor,
  startCli,
} from './cli.ts';

const tokens = ['BTC', 'ETH', 'XRP', 'SOL'];
const range = ['--from', '2025-06-01', '--to', '2025-06-11'];
const interval = { start: Date.UTC(2025, 4, 31, 16), end: Date.UTC(2025, 5, 10, 16) };
/** Ten days of 24 and 6 windows. */
const cells = 4 * v1Metrics.length * (240 + 60);
const recordLimit = 20 * v1Metrics.length;

describe('backfill orders', () => {
  const folder = createFolder();
  let simulator: Simulator;
  let database: Database;
  let settings: Environment;
  beforeAll(async () => {
    simulator = await startTestSimulator({ behaviour: { recordLimit } });
    database = await createTestDatabase('plain PostgreSQL');
    settings = {
      ...settingsFor(simulator, database.url),
      TOKENS: tokens.join(),
      GRANULARITIES: '1h,4h',
      RECORD_LIMIT: String(recordLimit),
    };
  });
  beforeEach(async () => {
    await database.pool.query(
      `truncate cryptoracle.coverage, cryptoracle.requests, cryptoracle.revisions, cryptoracle.backfills,
         cryptoracle.refreshed, cryptoracle.metrics_1h, cryptoracle.metrics_4h, cryptoracle.pace restart identity`,
    );
    simulator.setFaults({});
  });

  const run = (args: readonly string[], changes: Environment = {}) =>
    runCli(folder, ['backfill', ...args], { ...settings, ...changes });
  const json = (ended: Ended) => JSON.parse(ended.stdout);
  const sent = () => simulator.counters.requests;
  const orders = () =>
    rows(
      database,
      'select id::int, state, requests_sent, refresh, message from cryptoracle.backfills order by id',
    );

  async function expectTruth(): Promise<void> {
    const wanted = new Map([
      ['1h', interval],
      ['4h', interval],
    ] as const);
    const compared = await compareWithTruth(
      database,
      simulator.market,
      tokens.map(asToken),
      wanted,
      undefined,
    );
    expect(compared.differences).toEqual([]);
    expect(compared.cells).toBe(cells);
  }

  it('are finished by other processes after kill -9 again and again, with hardly a request more', async () => {
    const before = sent();
    const { requests } = json(await run([...range, '--dry-run', '--json']));
    simulator.setFaults({ slow: { probability: 1, milliseconds: 40 } });
    const slowly = { REQUESTS_PER_SECOND: '60', FETCH_CONCURRENCY: '2' };
    let wasted = 0;
    for (let kills = 0; kills < 2; kills++) {
      const args = kills === 0 ? range : ['resume'];
      const running = startCli(folder, ['backfill', ...args], { ...settings, ...slowly });
      const answered = () =>
        value<number>(database, "select count(*)::int from cryptoracle.requests where outcome = 'answered'");
      const goal = (await answered()) + 12;
      await expect.poll(answered, { timeout: 60_000, interval: 20 }).toBeGreaterThan(goal);
      running.process.kill('SIGKILL');
      await running.ended;
      wasted += 2;
    }
    simulator.setFaults({});
    const last = await run(['resume', '--json']);
    expect(last.code, last.stderr).toBe(0);
    expect(json(last)).toMatchObject({ order: 1, end: 'done', valuesLeft: 0 });
    // What was under way when it was killed is asked for again, and what is left is packed anew.
    expect(sent() - before).toBeLessThanOrEqual(requests + wasted + 2);
    await expectTruth();
    expect(await orders()).toMatchObject([{ id: 1, state: 'done' }]);
    expectMistake(await run(['resume']), ['no order that is not done']);
    expectMistake(await run(['resume', '1']), ['order 1 is done']);
    const lanes = await rows(database, 'select distinct lane from cryptoracle.requests');
    expect(lanes).toEqual([{ lane: 'history' }]);
  });

  it('say what is left of them, and take no option that would be ignored', async () => {
    expect((await run([...range, '--max-requests', '3'])).code).toBe(75);
    const before = sent();
    const left = json(await run(['resume', '--dry-run', '--json']));
    expect(left.requests).toBeGreaterThan(0);
    for (const option of [['--token', 'BTC'], ['--refresh'], ['--from', '2025-06-01']]) {
      expectMistake(await run(['resume', ...option]), [`unknown option '${option[0]}'`]);
    }
    expectMistake(await run(['--dry-run', 'resume']), ["do not go with 'resume'"]);
    expect(sent()).toBe(before);
    expect((await run(['resume'])).code).toBe(0);
    expect(sent() - before).toBe(left.requests);
  });

  it('that are cancelled while they are being taken up stay cancelled', async () => {
    expect((await run([...range, '--max-requests', '3'])).code).toBe(75);
    const before = sent();
    await database.exclusively('hold', async (connection) => {
      await connection.query('lock', 'begin; lock table cryptoracle.breaker in access exclusive mode');
      const resuming = startCli(folder, ['backfill', 'resume', '1'], settings);
      const waits =
        "select exists (select from pg_stat_activity where wait_event_type = 'Lock' and query like '%breaker%' and pid <> pg_backend_pid()) as waits";
      await expect.poll(() => value(database, waits), { timeout: 60_000 }).toBe(true);
      expect((await run(['cancel', '1'])).code).toBe(0);
      await connection.query('commit', 'commit');
      expectMistake(await resuming.ended, ['order 1 was cancelled']);
    });
    expect(sent()).toBe(before);
    expect(await orders()).toMatchObject([{ state: 'cancelled' }]);
  });

  it('stop at the daily budget, say when they go on, and go on the next day', async () => {
    const ended = await run([...range, '--json'], { REQUESTS_PER_DAY: '15', LOOKBACK_WINDOWS: '0' });
    expect(ended.code).toBe(75);
    expect(json(ended)).toMatchObject({ order: 1, end: 'budget' });
    const [line] = errorLines(ended);
    expect(line).toMatch(/daily budget.*backfill resume 1.*after \d{4}-\d\d-\d\d \d\d:\d\d \(Beijing\)/);
    const calls = json(ended).calls;
    expect(calls).toBeLessThanOrEqual(15);
    expect(await value(database, 'select sent_today from cryptoracle.pace')).toBe(calls);
    expect(await orders()).toMatchObject([{ state: 'stopped', requests_sent: calls }]);

    await database.pool.query('update cryptoracle.pace set day = day - 1');
    const next = await run(['resume', '--json']);
    expect(next.code).toBe(0);
    await expectTruth();
  });

  it('are worked on by one process at a time, watched from another, and cancelled', async () => {
    simulator.setFaults({ slow: { probability: 1, milliseconds: 300 } });
    const running = startCli(folder, ['backfill', ...range, '--json'], {
      ...settings,
      FETCH_CONCURRENCY: '1',
    });
    await expect.poll(async () => (await orders()).length, { timeout: 60_000 }).toBe(1);
    await expect.poll(sent, { timeout: 60_000 }).toBeGreaterThan(2);
    const [twice, watched, listed] = await Promise.all([
      run(['resume', '1']),
      run(['watch', '--json']),
      run(['list', '--json']),
    ]);
    expectMistake(twice, ['another process', 'watch 1']);
    expect(json(watched)).toMatchObject({ id: 1, state: 'running', valuesOrdered: cells });
    expect(json(watched).valuesLeft).toBeGreaterThan(0);
    expect(json(listed)).toMatchObject([{ id: 1, state: 'running' }]);
    expect(await run(['cancel', '1'])).toMatchObject({ code: 0 });
    const ended = await running.ended;
    expect(ended.code).toBe(1);
    expect(json(ended)).toMatchObject({ end: 'cancelled' });
    expect(await orders()).toMatchObject([{ state: 'cancelled' }]);
    expectMistake(await run(['resume', '1']), ['cancelled']);
    expectMistake(await run(['cancel', '7']), ['no order 7']);
    expect((await run(['watch', '1'])).stdout).toMatch(/^order 1 cancelled/);
    const { stdout } = await run(['list']);
    const [head, line = '', ...below] = stdout.split('\n');
    expect(head).toMatch(/^order +state +placed \(Beijing\) +ended +done +calls$/);
    expect(line).toMatch(/^ +1 +cancelled +\d{4}-\d\d-\d\d \d\d:\d\d +\d{4}-\d\d-\d\d \d\d:\d\d +- +\d+$/);
    expect(below.join(' ')).toContain('cancelled by a person');
    for (const each of stdout.split('\n')) expect(each.length).toBeLessThanOrEqual(80);
    // As a process leaves it that was killed a minute ago.
    await database.pool.query(
      "update cryptoracle.backfills set state = 'running', beat_at = now() - interval '1 minute'",
    );
    const dead = (await run(['list'])).stdout;
    expect(dead).toMatch(/^ +1 +died /m);
    expect(dead).toContain('nothing is heard of it; `backfill resume 1` goes on with it');
  });

  it('that refresh ask for everything again, record what changed, and can be resumed', async () => {
    expect((await run(range)).code).toBe(0);
    await database.pool.query(
      `update cryptoracle.metrics_1h set mention_count = mention_count + 1 where token = 'BTC'`,
    );
    const before = sent();
    const { requests, values } = json(await run([...range, '--refresh', '--dry-run', '--json']));
    expect(values).toBe(cells);
    const stopped = await run([...range, '--refresh', '--max-requests', '20', '--json']);
    expect(stopped.code).toBe(75);
    expect(json(stopped)).toMatchObject({ order: 2, end: 'limit', calls: 20 });
    const resumed = await run(['resume', '--json']);
    expect(json(resumed)).toMatchObject({ order: 2, end: 'done', valuesLeft: 0 });
    expect(sent() - before).toBeLessThanOrEqual(requests + 2);
    await expectTruth();
    const changed = await rows(
      database,
      'select distinct token, metric, old - new as by from cryptoracle.revisions',
    );
    expect(changed).toEqual([{ token: 'BTC', metric: 'CO-A-01-05', by: 1 }]);
    expect(await value(database, 'select count(*)::int from cryptoracle.revisions')).toBe(240);
    expect(await value(database, 'select count(*)::int from cryptoracle.refreshed')).toBe(0);
  });

  it('are priced: windows, values, requests, budget, time and disk, for people and for programs', async () => {
    const budget = { REQUESTS_PER_DAY: '1000', REQUESTS_PER_SECOND: '2', LOOKBACK_WINDOWS: '0' };
    const [people, programs] = await Promise.all([
      run([...range, '--dry-run'], budget),
      run([...range, '--dry-run', '--json'], budget),
    ]);
    const price = json(programs);
    expect(price).toMatchObject({ windows: 300, values: cells, rate: 2, rateFrom: 'configured' });
    expect(price.seconds).toBe(price.requests / 2);
    // 30 ticks a day of one request each, with a fifth on top, are kept for the newest windows.
    expect(price).toMatchObject({ requestsPerDay: 1000, historyPerDay: 1000 - 36 });
    expect(price.budgetShare).toBeCloseTo(price.requests / 964);
    expect(price.bytes).toBeGreaterThan(price.compressedBytes);
    expect(price.granularities).toMatchObject([
      { windows: 240, tokensUnseen: 4, seconds: price.granularities[0].requests / 2 },
      { windows: 60, tokensUnseen: 4 },
    ]);
    expect(people.stdout).toMatch(/at 2\.0 requests\/s \(configured\)/);
    expect(people.stdout).toMatch(/history may have 964 of the 1,000 calls of a day/);
    expect(people.stdout).toMatch(/^all +30 s +6 % +\d+\.\d kB +\d+\.\d kB$/m);
    for (const line of people.stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
    expect(await orders()).toEqual([]);
  });

  it('want a range', async () => {
    expectMistake(await run(['--from', '2025-06-01']), ["'--to <date>'"]);
  });
});
