import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { compareWithTruth } from '../../harness/truth.ts';
import { ApiFailure } from '../../src/api/failure.ts';
import { parseBeijing } from '../../src/beijing.ts';
import { asToken, bundledTokens, type Granularity, type Token, tagCodes } from '../../src/catalog/index.ts';
import type { Ingestor } from '../../src/ingest/ingestor.ts';
import type { DataRequest } from '../../src/planning/request.ts';
import type { Simulator } from '../../src/simulator/index.ts';
import type { Database } from '../../src/store/connection/database.ts';
import { readGaps } from '../../src/store/ledger/coverage.ts';
import { createIngestor, startTestSimulator } from '../support/api.ts';
import { v1Metrics } from '../support/catalogue.ts';
import { day, hour, ManualClock } from '../support/clock.ts';
import { createTestDatabase, describeOnServers, rows, value } from '../support/database.ts';

const clock = new ManualClock('2025-06-20T00:05:00Z');
const [BTC, ETH, XRP] = [asToken('BTC'), asToken('ETH'), asToken('XRP')];
const tables = ['metrics_15m', 'metrics_1h', 'metrics_4h', 'metrics_1d'];
const everything = [
  ...tables,
  'coverage',
  'suspects',
  'revisions',
  'quarantine',
  'requests',
  'entitlements',
  'token_tags',
  'breaker',
];

function instant(text: string): number {
  const parsed = parseBeijing(text);
  if (parsed === undefined) throw new RangeError(text);
  return parsed;
}

function request(overrides: Partial<DataRequest> & { days?: number } = {}): DataRequest {
  const start = instant('2025-06-01 08:00');
  return {
    granularity: '4h',
    tokens: [BTC, ETH, XRP],
    metrics: v1Metrics,
    tags: [],
    interval: { start, end: start + (overrides.days ?? 5) * day },
    ...overrides,
  };
}

describeOnServers('ingesting a request', (kind) => {
  let database: Database;
  let simulator: Simulator;
  let ingestor: Ingestor;

  beforeAll(async () => {
    database = await createTestDatabase(kind);
    simulator = await startTestSimulator({ clock, seed: 7 });
  });

  beforeEach(async () => {
    await database.pool.query(`truncate ${everything.map((table) => `cryptoracle.${table}`).join()}`);
    simulator.clearLog();
    ingestor = createIngestor(database, simulator, clock);
  });

  afterEach(() => {
    simulator.setFaults({});
    simulator.configure({
      recordLimit: 2000,
      recordUnit: 'value',
      overLimit: 'error',
      rangeEnd: 'exclusive',
      windowsField: 'endPoints',
      emptyAnswer: 'list',
      refusedMetrics: new Set(),
      refusedEndpoints: new Set(),
    });
  });

  async function expectTruth(asked: DataRequest, tokens: readonly Token[] = asked.tokens): Promise<void> {
    const wanted = new Map<Granularity, DataRequest['interval']>([[asked.granularity, asked.interval]]);
    const comparison = await compareWithTruth(database, simulator.market, tokens, wanted, clock.now());
    expect(comparison.differences.slice(0, 3)).toEqual([]);
    expect(comparison.withValue).toBeGreaterThan(0);
    const gaps = await readGaps(database, { ...asked, metrics: asked.metrics });
    expect(gaps).toEqual([]);
  }

  it('stores every cell as the API gives it, and one line in the request log', async () => {
    const asked = request();
    const tally = await ingestor.ingest(asked, 'history');
    expect(tally).toMatchObject({
      calls: 1,
      values: 3 * 30 * v1Metrics.length,
      rowsWritten: 90,
      revisions: 0,
      rejects: 0,
    });
    await expectTruth(asked);
    const log = await rows(
      database,
      'select outcome, code, records, lane, rows_written from cryptoracle.requests',
    );
    expect(log).toEqual([
      { outcome: 'answered', code: 200, records: 90 * v1Metrics.length, lane: 'history', rows_written: 90 },
    ]);
  });

  it('sends nothing for what has been answered, and only the missing part of the rest', async () => {
    await ingestor.ingest(request({ days: 3 }), 'history');
    expect(await ingestor.ingest(request({ days: 3 }), 'history')).toMatchObject({
      calls: 0,
      rowsWritten: 0,
    });
    simulator.clearLog();
    await ingestor.ingest(request({ days: 5 }), 'history');
    expect(simulator.log.map(({ business }) => [business?.startTime, business?.endTime])).toEqual([
      ['2025-06-04 08:00:00', '2025-06-06 07:59:59'],
    ]);
  });

  it('asks again in the look-back lane, and writes nothing where nothing changed', async () => {
    await ingestor.ingest(request(), 'history');
    expect(await ingestor.ingest(request(), 'lookback')).toMatchObject({
      calls: 1,
      rowsWritten: 0,
      revisions: 0,
    });
  });

  it('takes every form of answer that the API is known to use', async () => {
    for (const windowsField of ['endPoints', 'timePeriods', 'endpoints'] as const) {
      await database.pool.query('truncate cryptoracle.metrics_4h, cryptoracle.coverage');
      simulator.configure({ windowsField, order: 'newest', valuesAs: 'number', noValueAs: 'null' });
      await ingestor.ingest(request(), 'history');
      await expectTruth(request());
    }
    simulator.configure({ order: 'oldest', valuesAs: 'string', noValueAs: 'empty' });
  });

  it.each(['error', 'cut'] as const)(
    'splits a request that is over the limit until it is whole (limit: %s)',
    async (overLimit) => {
      simulator.configure({ overLimit, recordLimit: 500 });
      ingestor = createIngestor(database, simulator, clock, { stated: { record_limit: 500 } });
      const tally = await ingestor.ingest(request(), 'history');
      expect(tally.calls).toBeGreaterThan(2);
      await expectTruth(request());
    },
  );

  it.each([
    ['value', 'exclusive', 'cut'],
    ['value', 'inclusive', 'cut'],
    ['row', 'exclusive', 'cut'],
    ['row', 'inclusive', 'cut'],
    ['value', 'inclusive', 'error'],
    ['row', 'inclusive', 'error'],
  ] as const)(
    'survives an API that counts each %s, ends ranges %s and answers too much with %s, whatever we assume',
    async (recordUnit, rangeEnd, overLimit) => {
      simulator.configure({ recordUnit, rangeEnd, overLimit, recordLimit: 300 });
      for (const assumedUnit of ['value', 'row'] as const) {
        await database.pool.query('truncate cryptoracle.metrics_4h, cryptoracle.coverage');
        const stated = { record_limit: 300, record_unit: assumedUnit };
        ingestor = createIngestor(database, simulator, clock, { stated });
        await ingestor.ingest(request(), 'history');
        await expectTruth(request());
      }
    },
  );

  it('finds a refused metric by halving, stores the others and does not ask for it again', async () => {
    simulator.refuseMetric('CO-A-01-07');
    const tally = await ingestor.ingest(request(), 'history');
    expect(tally.calls).toBeLessThanOrEqual(9);
    expect(await rows(database, 'select metric from cryptoracle.entitlements')).toEqual([
      { metric: 'CO-A-01-07' },
    ]);
    expect(await readGaps(database, request())).toMatchObject([{ metrics: ['CO-A-01-07'] }]);
    expect(
      await value(
        database,
        'select count(*)::int from cryptoracle.metrics_4h where mention_count is not null',
      ),
    ).toBe(90);
    simulator.clearLog();
    await ingestor.ingest(request({ days: 7 }), 'history');
    const last = simulator.log.at(-1);
    expect(last?.code).toBe(200);
    expect(simulator.log.length).toBeLessThanOrEqual(2);
  });

  it('narrows down to single tokens where the API knows nothing, and remembers those as empty', async () => {
    simulator.configure({ emptyAnswer: '203' });
    const market = simulator.market;
    const without = bundledTokens
      .map(({ token }) => token)
      .find((token) => !market.hasGranularity(token, '15m'));
    if (without === undefined) throw new Error('the market has no token without 15m');
    await ingestor.ingest(request({ granularity: '15m', tokens: [BTC], days: 1 }), 'history');
    const asked = request({ granularity: '15m', tokens: [without], days: 1 });
    await ingestor.ingest(asked, 'history');
    await ingestor.settleDoubts('history', {});
    expect(await readGaps(database, asked)).toEqual([]);
    expect(await ingestor.ingest(asked, 'history')).toMatchObject({ calls: 0 });
    const log = await rows(
      database,
      'select outcome, code from cryptoracle.requests where tokens = array[$1]',
      [without],
    );
    // The whole, and its newest window: where that is missing, too, there is nothing.
    expect(log).toEqual([1, 2].map(() => ({ outcome: 'no-data', code: 203 })));
  });

  it('asks such that no window beside the range comes along, whether or not its end counts', async () => {
    simulator.configure({ rangeEnd: 'inclusive' });
    const asked = request();
    const tally = await ingestor.ingest(asked, 'history');
    expect(tally.rejects).toBe(0);
    await expectTruth(asked);
  });

  it.each([
    ['error500', { error500: { probability: 1 } }, 500],
    ['error503', { error503: { probability: 1 } }, 503],
    ['cut connections', { cutConnection: { probability: 1 } }, null],
    ['an unknown code', { unknownCode: { probability: 1, code: 777 } }, 777],
  ] as const)('retries %s, then gives up and leaves the gap', async (_, faults, code) => {
    simulator.setFaults(faults);
    const failure = await ingestor.ingest(request(), 'history').catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(ApiFailure);
    expect(failure).toMatchObject({ kind: 'transient' });
    const log = await rows(database, 'select outcome, code from cryptoracle.requests');
    expect(log).toEqual(Array.from({ length: 4 }, () => ({ outcome: 'transient', code })));
    expect(await readGaps(database, request())).toHaveLength(1);
    simulator.setFaults({});
    await ingestor.ingest(request(), 'history');
    await expectTruth(request());
  });

  it('comes through a third of all calls failing in every way', async () => {
    const share = { probability: 0.05 };
    simulator.setFaults({
      ...{
        error500: share,
        error503: share,
        cutConnection: share,
        garbage: share,
        unknownCode: share,
        cutShort: share,
      },
      throttle: { ...share, retryAfterSeconds: 0 },
    });
    for (let start = 0; start < 30; start++) {
      const from = instant('2025-05-01') + start * 12 * hour;
      const asked = request({ granularity: '1h', interval: { start: from, end: from + 12 * hour } });
      for (let attempt = 0; attempt < 5; attempt++) await ingestor.ingest(asked, 'history').catch(() => {});
    }
    simulator.setFaults({});
    const whole = { start: instant('2025-05-01'), end: instant('2025-05-16') };
    await expectTruth(request({ granularity: '1h', interval: whole }));
  });

  it.each([202, 204, 403])('gives up at once where access is denied (code %i)', async (code) => {
    const strange = await startTestSimulator({
      clock,
      seed: 7,
      credentials: {
        ...simulator.credentials,
        ...(code === 202 ? { apiKey: 'another' } : {}),
        ...(code === 403 ? { signSecret: 'another' } : {}),
      },
    });
    if (code === 204) strange.refuseEndpoint('endpoint');
    // The ingestor signs with the usual credentials, the other API wants its own.
    const misled = createIngestor(
      database,
      { ...strange, credentials: simulator.credentials, url: strange.url },
      clock,
    );
    await expect(misled.ingest(request(), 'history')).rejects.toMatchObject({ kind: 'access-denied', code });
    expect(strange.counters.requests).toBe(1);
  });

  it('stores the tags of a day and drops the metric that came along', async () => {
    const asked = request({ granularity: '1d', metrics: [], tags: tagCodes, days: 1 });
    for (const tagsShape of ['flat', 'windows'] as const) {
      await database.pool.query('truncate cryptoracle.token_tags, cryptoracle.coverage');
      simulator.configure({ tagsShape, ecosystemAs: tagsShape === 'flat' ? 'text' : 'object' });
      await ingestor.ingest(asked, 'repair');
      const stored = await rows<{ token: string; tag: string; value: string; first_day: Date }>(
        database,
        'select token, tag, value from cryptoracle.token_tags order by token, tag',
      );
      const truth = asked.tokens.flatMap((token) =>
        tagCodes.map((tag) => ({
          token,
          tag,
          value: simulator.market.tagAsOf(token, tag, asked.interval.start),
        })),
      );
      const expected = truth
        .filter((entry) => entry.value !== null)
        .map((entry) => ({
          ...entry,
          value: typeof entry.value === 'string' ? entry.value : JSON.stringify(entry.value),
        }));
      const order = (a: { token: string; tag: string }, b: { token: string; tag: string }) =>
        `${a.token} ${a.tag}` < `${b.token} ${b.tag}` ? -1 : 1;
      expect(stored).toEqual(expected.sort(order));
      expect(expected.length).toBe(18);
    }
    expect(await value(database, 'select count(*)::int from cryptoracle.metrics_1d')).toBe(0);
    expect(await readGaps(database, { ...asked, metrics: tagCodes })).toEqual([]);
  });

  it('tells what it saw from what it fetched later', async () => {
    const end = instant('2025-06-20 04:00');
    const asked = request({ interval: { start: end - 20 * day, end } });
    await ingestor.ingest(asked, 'history');
    const kinds = await rows<{ backfilled: boolean; newest: Date }>(
      database,
      'select backfilled, max(time) as newest from cryptoracle.metrics_4h group by 1 order by 1',
    );
    expect(kinds).toEqual([
      { backfilled: false, newest: new Date(end - 4 * hour) },
      { backfilled: true, newest: expect.any(Date) },
    ]);
    expect(kinds[1]?.newest.getTime()).toBeLessThan(clock.now() - day);
  });

  it('takes over the token list, and keeps the bundled one where the call fails', async () => {
    await ingestor.refreshTokens();
    expect(await value(database, 'select count(*)::int from cryptoracle.tokens where listed')).toBe(200);
    simulator.configure({ coinListFails: true });
    await expect(ingestor.refreshTokens()).rejects.toBeInstanceOf(ApiFailure);
    simulator.configure({ coinListFails: false, coinListShape: 'objects' });
    await ingestor.refreshTokens();
    expect(await value(database, 'select count(*)::int from cryptoracle.tokens where listed')).toBe(200);
  });

  it('keeps all tokens in use where the list is short or garbage, and warns of it', async () => {
    for (const coinList of ['short', 'garbage'] as const) {
      simulator.configure({ coinList });
      await ingestor.refreshTokens();
      expect(await value(database, 'select count(*)::int from cryptoracle.tokens where listed')).toBe(200);
      expect(
        await value(database, 'select cardinality(vanished) from cryptoracle.doubted_lists'),
      ).toBeGreaterThan(190);
    }
    simulator.configure({ coinList: 'whole' });
    await ingestor.refreshTokens();
    expect(await value(database, 'select count(*)::int from cryptoracle.doubted_lists')).toBe(0);
  });

  describe('late and changed values', () => {
    it('are noticed by the look-back, and leave the old value behind', async () => {
      const start = instant('2025-06-20 00:00');
      const moving = new ManualClock(start + hour + 16 * 60_000);
      const restless = await startTestSimulator({
        clock: moving,
        seed: 3,
        market: { changedShare: 0.2, lateShare: 0.2 },
      });
      const watcher = createIngestor(database, restless, moving);
      const asked = request({
        granularity: '1h',
        tokens: bundledTokens.slice(0, 40).map(({ token }) => token),
        interval: { start, end: start + hour },
      });
      const before = await watcher.ingest(asked, 'live');
      expect(before.revisions).toBe(0);
      const first = await rows<{ token: string; mention_count: number | null }>(
        database,
        'select token, mention_count from cryptoracle.metrics_1h',
      );
      moving.advance(7 * hour);
      const after = await watcher.ingest(asked, 'lookback');
      expect(after.revisions).toBeGreaterThan(20);
      const wanted = new Map([['1h' as const, asked.interval]]);
      const comparison = await compareWithTruth(database, restless.market, asked.tokens, wanted, undefined);
      expect(comparison.differences.slice(0, 3)).toEqual([]);
      // What was known then can be put together again: today's value, less what was revised since.
      const then = await rows<{ token: string; mention_count: number | null }>(
        database,
        `select m.token, coalesce(r.old, case when r.id is null then m.mention_count end) as mention_count
         from cryptoracle.metrics_1h m
         left join cryptoracle.revisions r on r.token = m.token and r.time = m.time and r.metric = 'CO-A-01-05'`,
      );
      const known = (list: typeof first) =>
        Object.fromEntries(
          list.filter((row) => row.mention_count !== null).map((row) => [row.token, row.mention_count]),
        );
      expect(known(then)).toEqual(known(first));
    });
  });
});
