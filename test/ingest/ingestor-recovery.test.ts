import { afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { parseBeijing } from '../../src/beijing.ts';
import { asToken, bundledTokens, tagCodes } from '../../src/catalog/index.ts';
import type { IngestorOptions } from '../../src/ingest/options.ts';
import type { DataRequest } from '../../src/planning/request.ts';
import type { Database } from '../../src/store/connection/database.ts';
import { readGaps } from '../../src/store/ledger/coverage.ts';
import { readRefused } from '../../src/store/ledger/entitlements.ts';
import { createIngestor } from '../support/api.ts';
import { v1Metrics } from '../support/catalogue.ts';
import { hour, ManualClock } from '../support/clock.ts';
import { createTestDatabase, describeOnServers, value } from '../support/database.ts';
import { type Business, fullAnswer, type Reply, startScriptedApi } from '../support/scripted-api.ts';

const instant = (text: string) => parseBeijing(text) ?? Number.NaN;
const [BTC, ETH] = [asToken('BTC'), asToken('ETH')];

interface Entry {
  endPoints: { data: unknown[] }[];
}

/** What is left of an answer whose records end at a limit. */
function cutAt(limit: number, answer: readonly unknown[]): unknown[] {
  let left = limit;
  return (answer as Entry[]).map((entry) => ({
    ...entry,
    endPoints: entry.endPoints.flatMap((window) => {
      const data = window.data.slice(0, left);
      left -= data.length;
      return data.length > 0 ? [{ ...window, data }] : [];
    }),
  }));
}

describeOnServers('narrowing down', (kind) => {
  let database: Database;
  let clock: ManualClock;
  const open: { close(): Promise<void> }[] = [];

  beforeAll(async () => {
    database = await createTestDatabase(kind);
  });
  beforeEach(async () => {
    clock = new ManualClock('2025-06-20T00:00:00Z');
    await database.pool.query(
      "truncate cryptoracle.coverage, cryptoracle.suspects, cryptoracle.metrics_1d, cryptoracle.entitlements, cryptoracle.token_tags; delete from cryptoracle.facts where name <> 'day_start'",
    );
  });
  afterEach(async () => {
    await Promise.all(open.splice(0).map((api) => api.close()));
  });

  async function start(reply: (business: Business) => Reply, overrides: Partial<IngestorOptions> = {}) {
    const api = await startScriptedApi(reply);
    open.push(api);
    return { api, ingestor: createIngestor(database, api, clock, overrides) };
  }

  function request(overrides: Partial<DataRequest> = {}): DataRequest {
    const interval = { start: instant('2025-06-01 08:00'), end: instant('2025-06-02 08:00') };
    return { granularity: '1d', tokens: [BTC, ETH], metrics: v1Metrics, tags: [], interval, ...overrides };
  }

  const rowCount = () => value<number>(database, 'select count(*)::int from cryptoracle.metrics_1d');

  it.each([500, 1000])(
    'finds out that answers are cut at %i records, though 2,000 are promised',
    async (limit) => {
      const { api, ingestor } = await start((business) => cutAt(limit, fullAnswer(business)));
      const month = { start: instant('2025-05-01 08:00'), end: instant('2025-06-10 08:00') };
      const wanted = request({ interval: month });
      await ingestor.ingest(wanted, 'history');
      expect(await readGaps(database, wanted)).toEqual([]);
      expect(await rowCount()).toBe(2 * 40);
      expect(
        await value(
          database,
          'select count(*)::int from cryptoracle.metrics_1d where sentiment_consensus is null',
        ),
      ).toBe(0);
      expect(api.asked.length).toBeGreaterThan(2);
    },
  );

  it('blames the metric that came along with tags, and not the tags', async () => {
    const refuse = ({ endpoints }: Business) => endpoints.includes('CO-A-01-01');
    const { ingestor } = await start((business) => (refuse(business) ? 205 : fullAnswer(business)));
    const tagsOnly = request({ metrics: [], tags: tagCodes });
    await ingestor.ingest(tagsOnly, 'repair');
    expect(await readRefused(database, clock.now())).toEqual(new Set(['CO-A-01-01']));
    expect(await value(database, 'select count(*)::int from cryptoracle.token_tags')).toBe(
      2 * tagCodes.length,
    );
    expect(await readGaps(database, { ...tagsOnly, metrics: tagCodes })).toEqual([]);
    expect(await rowCount()).toBe(0);
  });

  it('blames the tag that is sent always, and not the metrics', async () => {
    const refuse = ({ tags }: Business) => tags.includes('CO-B-01-01');
    const { ingestor } = await start((business) => (refuse(business) ? 205 : fullAnswer(business)), {
      stated: { empty_tags: 'refused' },
    });
    await ingestor.ingest(request(), 'history');
    expect(await readRefused(database, clock.now())).toEqual(new Set(['CO-B-01-01']));
    expect(await rowCount()).toBe(2);
    expect(await readGaps(database, request())).toEqual([]);
    // The tag came along unwanted.
    expect(await value(database, 'select count(*)::int from cryptoracle.token_tags')).toBe(0);
  });

  it('finds a refused tag, and a refused metric, one among many', async () => {
    const refused = new Set<string>(['CO-B-03-05', 'CO-A-02-04']);
    const { ingestor } = await start((business) =>
      [...business.endpoints, ...business.tags].some((code) => refused.has(code))
        ? 205
        : fullAnswer(business),
    );
    await ingestor.ingest(request(), 'history');
    await ingestor.ingest(request({ metrics: [], tags: tagCodes }), 'repair');
    expect(await readRefused(database, clock.now())).toEqual(refused);
    expect(await readGaps(database, request())).toMatchObject([{ metrics: ['CO-A-02-04'] }]);
  });

  it('asks for a refused metric again a day later, and forgets the refusal when it is answered', async () => {
    let isRefused = true;
    const { ingestor, api } = await start((business) =>
      isRefused && business.endpoints.includes('CO-A-01-05') ? 205 : fullAnswer(business),
    );
    await ingestor.ingest(request(), 'history');
    clock.advance(23 * hour);
    expect(await readRefused(database, clock.now())).toEqual(new Set(['CO-A-01-05']));
    clock.advance(2 * hour);
    expect(await readRefused(database, clock.now())).toEqual(new Set());
    isRefused = false;
    await ingestor.ingest(request(), 'history');
    expect(api.asked.at(-1)?.endpoints).toEqual(['CO-A-01-05']);
    expect(await value(database, 'select count(*)::int from cryptoracle.entitlements')).toBe(0);
    expect(await readGaps(database, request())).toEqual([]);
  });

  it('finds what lies behind a range that the API has nothing for as a whole', async () => {
    const beginning = instant('2025-02-01 08:00');
    const { ingestor, api } = await start((business) =>
      (parseBeijing(business.startTime) ?? 0) < beginning ? 203 : fullAnswer(business),
    );
    const interval = { start: instant('2025-01-01 08:00'), end: instant('2025-04-01 08:00') };
    await ingestor.ingest(request({ interval }), 'history');
    expect(await rowCount()).toBe(2 * 59);
    // All was asked; that there was nothing before is not believed yet.
    expect(await readGaps(database, request({ interval }), { askedSince: 0 })).toEqual([]);
    expect(await readGaps(database, request({ interval }))).toMatchObject([
      { interval: { start: interval.start, end: beginning } },
    ]);
    expect(api.asked.length).toBeLessThan(80);
  });

  it('takes two requests a token to learn that there is nothing at all', async () => {
    const { ingestor, api } = await start(() => 203);
    const interval = { start: instant('2025-01-01 08:00'), end: instant('2025-03-01 08:00') };
    await ingestor.ingest(request({ interval }), 'history');
    expect(api.asked.length).toBe(1 + 2 * 2);
    expect(await readGaps(database, request({ interval }), { askedSince: 0 })).toEqual([]);
  });

  it('saves the neighbours of a token that makes a request wrong', async () => {
    const tokens = bundledTokens.slice(0, 100).map(({ token }) => token);
    const { ingestor, api } = await start((business) =>
      business.token.includes('SOL') ? 201 : fullAnswer(business),
    );
    await expect(ingestor.ingest(request({ tokens }), 'live')).rejects.toMatchObject({ kind: 'bad-request' });
    expect(await rowCount()).toBe(99);
    expect(await readGaps(database, request({ tokens }))).toMatchObject([{ tokens: ['SOL'] }]);
    expect(api.asked.length).toBeLessThanOrEqual(1 + 2 * 7);
  });

  it('does not ask on where every request is wrong', async () => {
    const tokens = bundledTokens.slice(0, 100).map(({ token }) => token);
    const { ingestor, api } = await start(() => 201);
    await expect(ingestor.ingest(request({ tokens }), 'live')).rejects.toMatchObject({
      kind: 'bad-request',
      code: 201,
    });
    expect(api.asked.length).toBeLessThanOrEqual(3 * 3);
  });

  it('takes no answer of an unknown form for an empty one', async () => {
    const { ingestor } = await start((business) => business.token.map((token) => ({ token, windows: [] })));
    await expect(ingestor.ingest(request(), 'live')).rejects.toMatchObject({ kind: 'transient' });
    expect(await readGaps(database, request())).toHaveLength(1);
  });
});
