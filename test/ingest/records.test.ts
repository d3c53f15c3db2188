import { afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { ApiFailure } from '../../src/api/failure.ts';
import { parseBeijing } from '../../src/beijing.ts';
import { asToken, tagCodes } from '../../src/catalog/index.ts';
import type { DataRequest } from '../../src/planning/request.ts';
import type { Simulator } from '../../src/simulator/index.ts';
import type { Database } from '../../src/store/connection/database.ts';
import { readGaps } from '../../src/store/ledger/coverage.ts';
import { readFacts, storeFact } from '../../src/store/ledger/facts.ts';
import { readBreaker } from '../../src/store/limits/breaker.ts';
import { createIngestor, startTestSimulator } from '../support/api.ts';
import { thirteenMetrics } from '../support/catalogue.ts';
import { day, ManualClock } from '../support/clock.ts';
import { createTestDatabase, describeOnServers, value } from '../support/database.ts';

const clock = new ManualClock('2025-06-20T00:05:00Z');
const first = parseBeijing('2025-05-01') ?? 0;

/** 1,170 values for every five days. */
function request(days = 5, start = first): DataRequest {
  return {
    granularity: '4h',
    tokens: ['BTC', 'ETH', 'XRP'].map(asToken),
    metrics: thirteenMetrics,
    tags: [],
    interval: { start, end: start + days * day },
  };
}

describeOnServers('what the running pipeline finds out about the API', (kind) => {
  let database: Database;
  let simulator: Simulator;

  beforeAll(async () => {
    database = await createTestDatabase(kind);
    simulator = await startTestSimulator({ clock, seed: 7 });
  });
  beforeEach(async () => {
    await database.pool.query(
      "truncate cryptoracle.coverage, cryptoracle.metrics_4h, cryptoracle.requests, cryptoracle.breaker; delete from cryptoracle.facts where name <> 'day_start'",
    );
    simulator.clearLog();
  });
  afterEach(() => {
    simulator.setFaults({});
    simulator.configure({ recordLimit: 2000, recordUnit: 'value', overLimit: 'error', allowEmptyTags: true });
    simulator.configure({ coinListFails: false, clockOffset: 0, refusedEndpoints: new Set() });
  });

  const largestAsked = () => Math.max(...simulator.log.map(({ records }) => records));

  it('is a lower limit, where answers are cut short: kept, and kept to by everybody from then on', async () => {
    simulator.configure({ recordLimit: 500, overLimit: 'cut' });
    await createIngestor(database, simulator, clock).ingest(request(), 'history');
    expect(await readGaps(database, request())).toEqual([]);
    expect((await readFacts(database)).record_limit).toEqual({
      value: 500,
      found: 'answered',
      detail: '2 answers were cut short at 500 values',
      since: clock.now(),
    });

    simulator.clearLog();
    const next = request(5, first + 5 * day);
    const tally = await createIngestor(database, simulator, clock).ingest(next, 'history');
    // 1,170 values; none of the answers reaches the limit, and none is asked for twice.
    expect(tally).toMatchObject({ calls: 3, values: 1170 });
    expect(largestAsked()).toBeLessThanOrEqual(500);
  });

  it('is a lower limit, where larger requests are refused: after a few of them none is refused any more', async () => {
    simulator.configure({ recordLimit: 1000 });
    const ingestor = createIngestor(database, simulator, clock);
    for (let each = 0; each < 5; each++) {
      await ingestor.ingest(request(8, first + each * 8 * day), 'history');
    }
    expect(await readGaps(database, request(40))).toEqual([]);
    expect((await readFacts(database)).record_limit).toMatchObject({ value: 1000, found: 'answered' });

    simulator.clearLog();
    const next = request(8, first + 40 * day);
    expect(await createIngestor(database, simulator, clock).ingest(next, 'history')).toMatchObject({
      values: 1872,
    });
    expect(simulator.log.map(({ code }) => code)).toEqual([200, 200]);
  });

  it('is no lower limit where what is refused is wrong whatever its size', async () => {
    const ingestor = createIngestor(database, simulator, clock);
    simulator.setFaults({ unknownCode: { probability: 1, code: 201 } });
    for (const days of [8, 4, 2, 1]) {
      await expect(ingestor.ingest(request(days), 'history')).rejects.toBeInstanceOf(ApiFailure);
    }
    simulator.setFaults({});
    for (const days of [8, 4]) await ingestor.ingest(request(days), 'history');
    expect((await readFacts(database)).record_limit.found).toBe('assumed');
  });

  it('is no lower limit where that showed only once', async () => {
    simulator.configure({ recordLimit: 1000, overLimit: 'cut' });
    await createIngestor(database, simulator, clock).ingest(request(), 'history');
    expect((await readFacts(database)).record_limit.found).toBe('assumed');
  });

  it('gives way to a setting, which larger requests follow', async () => {
    await storeFact(database, { name: 'record_limit', value: 500, found: 'calibrated' }, clock.now());
    const ingestor = createIngestor(database, simulator, clock, { stated: { record_limit: 1500 } });
    expect(await ingestor.ingest(request(), 'history')).toMatchObject({ calls: 1, values: 1170 });
  });

  it('is that values are counted where rows were believed to be', async () => {
    await storeFact(database, { name: 'record_unit', value: 'row', found: 'calibrated' }, clock.now());
    simulator.configure({ overLimit: 'cut' });
    const ingestor = createIngestor(database, simulator, clock);
    for (const start of [first, first + 20 * day]) await ingestor.ingest(request(20, start), 'history');
    expect(await readGaps(database, request(40))).toEqual([]);
    expect(await readFacts(database)).toMatchObject({
      record_unit: { value: 'value', found: 'answered' },
      record_limit: { value: 2000, found: 'answered' },
    });
  });

  it('is that requests without tags are refused: one is sent along from then on, at the cost of one call', async () => {
    simulator.configure({ allowEmptyTags: false });
    const ingestor = createIngestor(database, simulator, clock, { mayRefuseEmptyTags: true });
    expect(await ingestor.ingest(request(2), 'history')).toMatchObject({ calls: 2 });
    expect(await readGaps(database, request(2))).toEqual([]);
    expect((await readFacts(database)).empty_tags).toMatchObject({ value: 'refused', found: 'answered' });

    simulator.clearLog();
    const another = createIngestor(database, simulator, clock, { mayRefuseEmptyTags: true });
    await another.ingest(request(2, first + 2 * day), 'history');
    expect(simulator.log.map(({ business }) => business?.tags)).toEqual([[tagCodes[0]]]);
    expect(await value(database, 'select count(*)::int from cryptoracle.token_tags')).toBe(0);
  });

  it('is that requests without tags are accepted, after which a wrong request is not tried with one', async () => {
    const ingestor = createIngestor(database, simulator, clock, { mayRefuseEmptyTags: true });
    await ingestor.ingest(request(2), 'history');
    expect((await readFacts(database)).empty_tags).toMatchObject({ value: 'accepted', found: 'answered' });
    simulator.clearLog();
    const wrong = { ...request(2), tokens: [asToken('NOSUCHTOKEN')] };
    simulator.setFaults({ unknownCode: { probability: 1, code: 201 } });
    await expect(ingestor.ingest(wrong, 'history')).rejects.toBeInstanceOf(ApiFailure);
    expect(simulator.log).toHaveLength(1);
  });

  it.each([
    ['is not there', { coinListFails: true }],
    ['is refused', { refusedEndpoints: new Set(['coin/list'] as const) }],
  ])(
    'is that the list of tokens is not served, where it %s: the list we have stays, and all goes on',
    async (_, behaviour) => {
      simulator.configure(behaviour);
      const ingestor = createIngestor(database, simulator, clock);
      await expect(ingestor.refreshTokens()).rejects.toBeInstanceOf(ApiFailure);
      expect((await readFacts(database)).token_list).toMatchObject({
        value: 'not served',
        found: 'answered',
        detail: expect.stringMatching(/404|204/),
      });
      expect(await value(database, 'select count(*)::int from cryptoracle.tokens where listed')).toBe(200);
      expect(await readBreaker(database)).toBeUndefined();
      expect(await ingestor.ingest(request(1), 'live')).toMatchObject({ calls: 1 });

      simulator.configure({ coinListFails: false, refusedEndpoints: new Set() });
      await ingestor.refreshTokens();
      expect((await readFacts(database)).token_list).toMatchObject({ value: 'served', found: 'answered' });
    },
  );

  it('is no list that is not served where the API is ill, or refuses everything', async () => {
    simulator.setFaults({ error503: { probability: 1 } });
    const ingestor = createIngestor(database, simulator, clock);
    await expect(ingestor.refreshTokens()).rejects.toBeInstanceOf(ApiFailure);
    simulator.setFaults({ unknownCode: { probability: 1, code: 202 } });
    await expect(ingestor.refreshTokens()).rejects.toBeInstanceOf(ApiFailure);
    expect(await readBreaker(database)).toMatchObject({ code: 202 });
    expect((await readFacts(database)).token_list.found).toBe('assumed');
  });

  it("is how far the API's clock is ahead", async () => {
    for (const clockOffset of [90_000, 91_000, -120_000]) {
      simulator.configure({ clockOffset });
      await createIngestor(database, simulator, clock).ingest(request(1), 'lookback');
      const { value: found } = (await readFacts(database)).clock_offset;
      // A header is cut to the second; a change of one is none.
      const expected = clockOffset === 91_000 ? 90_000 : clockOffset;
      expect(Math.abs(found - expected)).toBeLessThan(2500);
    }
  });

  it('is told apart from what is dropped: windows beside the range, and more rejects than are kept', async () => {
    simulator.configure({ rangeEnd: 'inclusive', runningWindow: 1 });
    const end = parseBeijing('2025-06-20 08:00') ?? 0;
    const tally = await createIngestor(database, simulator, clock).ingest(request(1, end - day), 'live');
    simulator.configure({ rangeEnd: 'exclusive', runningWindow: 0 });
    expect(tally).toMatchObject({ rejects: 0, windowsBeside: 3 });
    expect(await value(database, 'select sum(windows_beside)::int from cryptoracle.requests')).toBe(3);
  });
});
