import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { compareWithTruth, windowsWithin } from '../../harness/truth.ts';
import { asToken, type Granularity } from '../../src/catalog/index.ts';
import type { Interval } from '../../src/planning/interval.ts';
import type { Simulator } from '../../src/simulator/index.ts';
import type { Database } from '../../src/store/connection/database.ts';
import { startTestSimulator } from '../support/api.ts';
import { v1Metrics } from '../support/catalogue.ts';
import { hour } from '../support/clock.ts';
import { createTestDatabase, rows, value } from '../support/database.ts';
import { createFolder, type Ended, type Environment, errorLines, runCli, settingsFor } from './cli.ts';

const tokens = ['BTC', 'ETH', 'XRP', 'SOL', 'DOGE'];
/** 2025-06-01 to 2025-06-04 in Beijing. */
const range: Interval = { start: Date.UTC(2025, 4, 31, 16), end: Date.UTC(2025, 5, 3, 16) };
const command = ['backfill', '--from', '2025-06-01', '--to', '2025-06-04', '--json'];
const granularities: readonly Granularity[] = ['1h', '4h', '1d'];
/** Tokens × metrics × windows: 72 of one hour, 18 of four, 3 days. */
const cells = 5 * v1Metrics.length * (72 + 18 + 3);

interface Done {
  readonly end: string;
  readonly calls: number;
  readonly values: number;
  readonly rowsWritten: number;
  readonly valuesLeft: number;
  readonly requestsLeft: number;
}

const done = (ended: Ended): Done => JSON.parse(ended.stdout);

describe('backfill', () => {
  const folder = createFolder();
  let simulator: Simulator;
  let database: Database;
  let settings: Environment;
  beforeAll(async () => {
    simulator = await startTestSimulator({ behaviour: { recordLimit: 200 } });
    database = await createTestDatabase('plain PostgreSQL');
    settings = {
      ...settingsFor(simulator, database.url),
      TOKENS: tokens.join(),
      GRANULARITIES: granularities.join(),
      RECORD_LIMIT: '200',
    };
  });
  beforeEach(async () => {
    await database.pool.query(
      'truncate cryptoracle.coverage, cryptoracle.requests, cryptoracle.revisions, cryptoracle.backfills',
    );
    for (const granularity of granularities)
      await database.pool.query(`truncate cryptoracle.metrics_${granularity}`);
    simulator.setFaults({});
  });

  const run = (...more: string[]) => runCli(folder, [...command, ...more], settings);
  const sent = () => simulator.counters.requests;
  const states = () => rows(database, 'select state, requests_sent from cryptoracle.backfills order by id');

  /** Whether the database holds exactly what the simulator knows of the range. */
  async function expectTruth(): Promise<void> {
    const within = windowsWithin(range, '08:00');
    const compared = await compareWithTruth(
      database,
      simulator.market,
      tokens.map(asToken),
      new Map([...within].filter(([granularity]) => granularities.includes(granularity))),
      undefined,
    );
    expect(compared.differences).toEqual([]);
    expect(compared).toMatchObject({ cells, withValue: cells });
  }

  it('announces with --dry-run exactly what it does then, and does nothing twice', async () => {
    const before = sent();
    const dry = await run('--dry-run');
    expect(dry).toMatchObject({ code: 0 });
    const plan = JSON.parse(dry.stdout);
    expect(plan).toMatchObject({ values: cells, requests: expect.any(Number) });
    expect(plan.granularities.map((part: { values: number }) => part.values)).toEqual(
      expect.arrayContaining([
        5 * v1Metrics.length * 72,
        5 * v1Metrics.length * 18,
        5 * v1Metrics.length * 3,
      ]),
    );
    expect(plan.granularities[0]).toMatchObject({
      from: new Date(range.start).toISOString(),
      to: new Date(range.end).toISOString(),
    });
    expect(plan.requests).toBeGreaterThanOrEqual(Math.ceil(cells / 200));
    expect(sent()).toBe(before);
    expect(await states()).toEqual([]);

    const first = await run();
    expect(first.code).toBe(0);
    expect(done(first)).toMatchObject({
      end: 'done',
      calls: plan.requests,
      values: cells,
      rowsWritten: cells / v1Metrics.length,
      valuesLeft: 0,
      requestsLeft: 0,
    });
    expect(sent() - before).toBe(plan.requests);
    await expectTruth();

    const table = () => rows(database, 'select xmin, * from cryptoracle.metrics_1h order by token, time');
    const stored = await table();
    const second = await run();
    expect(second.code).toBe(0);
    expect(done(second)).toMatchObject({ calls: 0, values: 0, rowsWritten: 0, valuesLeft: 0 });
    expect(sent() - before).toBe(plan.requests);
    expect(await table()).toEqual(stored);
    // Where nothing is missing there is nothing to order.
    expect(await states()).toEqual([{ state: 'done', requests_sent: plan.requests }]);
  });

  it('says why the times of a price do not add up where a daily budget is shared, and only there', async () => {
    const priced = (environment: Environment, ...options: readonly string[]) =>
      runCli(folder, ['backfill', '--from', '2025-01-01', '--to', '2025-06-01', '--dry-run', ...options], {
        ...settings,
        ...environment,
      });
    const shared = await priced({ REQUESTS_PER_DAY: '400' });
    expect(shared.code).toBe(0);
    expect(shared.stdout).toMatch(/^all +\d+ days/m);
    expect(shared.stdout).toContain('the times do not add up: ');
    const alone = await priced({}, '--utc');
    expect(alone.stdout).not.toContain('do not add up');
    expect([shared.stdout.includes('from (Beijing)'), alone.stdout.includes('from (UTC)')]).toEqual([
      true,
      true,
    ]);
  });

  it('stops at --max-requests with 75, and a further run completes the same data', async () => {
    const before = sent();
    const first = await run('--max-requests', '7');
    expect(first.code).toBe(75);
    expect(done(first)).toMatchObject({ end: 'limit', calls: 7 });
    expect(sent() - before).toBe(7);
    expect(errorLines(first)).toEqual([expect.stringContaining('--max-requests')]);
    const { valuesLeft } = done(first);
    expect(valuesLeft).toBe(cells - done(first).values);

    const second = await run();
    expect(second.code).toBe(0);
    expect(done(second)).toMatchObject({ end: 'done', values: valuesLeft, valuesLeft: 0 });
    await expectTruth();
    expect(await value<number>(database, 'select count(*)::int from cryptoracle.revisions')).toBe(0);
    expect(await states()).toMatchObject([{ state: 'stopped', requests_sent: 7 }, { state: 'done' }]);
  });

  it('counts retries against --max-requests', async () => {
    simulator.setFaults({ error500: { probability: 1 } });
    const before = sent();
    const ended = await run('--max-requests', '2');
    expect(ended.code).toBe(75);
    expect(sent() - before).toBe(2);
    expect(done(ended)).toMatchObject({ end: 'limit', calls: 2, values: 0, valuesLeft: cells });
  });

  it('keeps to the tokens, metrics, granularities and the range of its options', async () => {
    const ended = await runCli(
      folder,
      [
        'backfill',
        '--from',
        '2025-06-02',
        '--to',
        '2025-06-02T04:00:00Z',
        '--granularity',
        '1h',
        '--json',
      ].concat(['--token', 'SOL', '--metric', 'mention_count,CO-A-02-05']),
      settings,
    );
    expect(ended.code).toBe(0);
    const found = await rows<Record<string, unknown>>(
      database,
      'select * from cryptoracle.metrics_1h order by time',
    );
    // From 2025-06-01 16:00 UTC to 2025-06-02 04:00 UTC.
    const first = range.start + 24 * hour;
    expect(found.map(({ time }) => (time as Date).getTime())).toEqual(
      Array.from({ length: 12 }, (_, number) => first + number * hour),
    );
    for (const row of found) {
      const time = (row.time as Date).getTime();
      expect(row.token).toBe('SOL');
      expect(row.mention_count).toBe(simulator.market.value('1h', 'SOL', 'CO-A-01-05', time));
      expect(row.sentiment_consensus).toBe(simulator.market.value('1h', 'SOL', 'CO-A-02-05', time));
      expect(row.mention_rank).toBeNull();
    }
    expect(await value<number>(database, 'select count(*)::int from cryptoracle.metrics_4h')).toBe(0);
  });
});
