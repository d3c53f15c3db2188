import { afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { compareWithTruth } from '../../harness/truth.ts';
import type { BackfillContext } from '../../src/backfill/context.ts';
import { fillGaps } from '../../src/backfill/fill.ts';
import { parseBeijing } from '../../src/beijing.ts';
import { asToken, type Granularity, type Token } from '../../src/catalog/index.ts';
import { Packer } from '../../src/planning/packing.ts';
import type { WantedWindows } from '../../src/planning/plan.ts';
import type { DataRequest } from '../../src/planning/request.ts';
import { emptyForms } from '../../src/simulator/faults.ts';
import { type Simulator, startSimulator } from '../../src/simulator/index.ts';
import type { Database } from '../../src/store/connection/database.ts';
import { readGaps } from '../../src/store/ledger/coverage.ts';
import { readSuspects } from '../../src/store/ledger/suspects.ts';
import { readReportedGaps } from '../../src/store/reports/gaps.ts';
import { createIngestor } from '../support/api.ts';
import { v1Metrics } from '../support/catalogue.ts';
import { day, hour, ManualClock, minute } from '../support/clock.ts';
import { createTestDatabase, describeOnServers, rows } from '../support/database.ts';

const [BTC, ETH, LATE] = [asToken('BTC'), asToken('ETH'), asToken('XRP')];
const noon = parseBeijing('2025-06-01') ?? 0;

function request(overrides: Partial<DataRequest> & { from?: number; days?: number } = {}): DataRequest {
  const { from = noon, days = 1, ...rest } = overrides;
  const interval = { start: from, end: from + days * day };
  return { granularity: '4h', tokens: [BTC], metrics: v1Metrics, tags: [], interval, ...rest };
}

describeOnServers('an answer with nothing', (kind) => {
  let database: Database;
  let simulator: Simulator;
  let clock: ManualClock;

  beforeAll(async () => {
    database = await createTestDatabase(kind);
  });
  beforeEach(async () => {
    clock = new ManualClock('2025-06-20T00:05:00Z');
    simulator = await startSimulator({
      clock,
      seed: 7,
      market: { lifetimes: { XRP: { from: noon + 3 * day } }, coverage: 'tiers' },
    });
    await database.pool.query(
      `truncate cryptoracle.coverage, cryptoracle.suspects, cryptoracle.metrics_15m, cryptoracle.metrics_4h,
       cryptoracle.requests, cryptoracle.quarantine`,
    );
  });
  afterEach(() => simulator.close());

  const ingestor = () => createIngestor(database, simulator, clock);
  const outage = (as: (typeof emptyForms)[number] = 'list') =>
    simulator.setFaults({ empty: { probability: 1, as } });
  const gapsNow = (asked: DataRequest) =>
    readGaps(database, { ...asked, metrics: asked.metrics }, { now: clock.now() });

  async function expectTruth(granularity: Granularity, tokens: readonly Token[], asked: DataRequest) {
    const wanted = new Map([[granularity, asked.interval]]);
    const { differences } = await compareWithTruth(database, simulator.market, tokens, wanted, clock.now());
    expect(differences.slice(0, 3)).toEqual([]);
  }

  it.each(emptyForms)('is not believed where the token has values at other times (as %s)', async (as) => {
    await ingestor().ingest(request(), 'history');
    outage(as);
    const next = request({ from: noon + day });
    await ingestor().ingest(next, 'history');
    expect(await readGaps(database, next)).toHaveLength(1);
    // It is left alone until it is due again.
    expect(await gapsNow(next)).toEqual([]);
    simulator.clearLog();
    await ingestor().ingest(next, 'history');
    expect(simulator.log).toHaveLength(0);

    simulator.setFaults({});
    clock.advance(10 * minute);
    expect(await gapsNow(next)).toHaveLength(1);
    await ingestor().ingest(next, 'history');
    expect(await readGaps(database, next)).toEqual([]);
    expect(await readSuspects(database)).toEqual([]);
    await expectTruth('4h', [BTC], request({ days: 2 }));
  });

  it('is asked for again with growing pauses, and believed after a day', async () => {
    await ingestor().ingest(request(), 'history');
    outage();
    const next = request({ from: noon + day });
    const began = clock.now();
    const asked: number[] = [];
    for (let passed = 0; passed <= 25 * hour; passed += 5 * minute) {
      if ((await gapsNow(next)).length > 0) {
        await ingestor().ingest(next, 'history');
        asked.push((clock.now() - began) / minute);
      }
      clock.advance(5 * minute);
    }
    expect(asked[0]).toBe(0);
    expect(asked.at(-1)).toBe(24 * 60);
    expect(asked.length).toBeLessThanOrEqual(6);
    const pauses = asked.slice(1, -1).map((at, index) => at - (asked[index] ?? 0));
    expect(pauses).toEqual(pauses.toSorted((a, b) => a - b));
    expect(await readGaps(database, next)).toEqual([]);
    expect(await readSuspects(database)).toEqual([]);
  });

  it('is not believed where nothing that is asked brings a value', async () => {
    outage('203');
    const asked = request({ tokens: [BTC, ETH] });
    await ingestor().ingest(asked, 'history');
    await ingestor().settleDoubts('history', {});
    expect(await readGaps(database, asked)).toHaveLength(1);
    expect(await readSuspects(database)).toMatchObject([
      { granularity: '4h', tokens: 2, cells: 2 * 6 * v1Metrics.length, askAt: expect.any(Number) },
    ]);
  });

  it('takes nothing back: what is answered stays answered when the look-back brings nothing', async () => {
    await ingestor().ingest(request(), 'history');
    outage();
    await ingestor().ingest(request(), 'lookback');
    expect(await readGaps(database, request())).toEqual([]);
    expect(await readSuspects(database)).toEqual([]);
  });

  it('names its reason and when it is asked for again', async () => {
    await ingestor().ingest(request(), 'history');
    outage();
    const next = request({ from: noon + day });
    await ingestor().ingest(next, 'history');
    const told = await readReportedGaps(database, next, ['not asked yet', 'failed', 'suspect'], clock.now());
    expect(told).toMatchObject([
      {
        tokens: [BTC],
        metrics: v1Metrics,
        interval: next.interval,
        reason: 'suspect',
        detail:
          'answered with nothing once since 2025-06-20T00:05:00Z, asked for again at 2025-06-20T00:15:00Z',
      },
    ]);
    expect(
      await rows(database, "select distinct reason from cryptoracle.gaps where granularity = '4h'"),
    ).toEqual([]);
  });

  const fill = (wanted: WantedWindows, tokens: readonly Token[], concurrency = 1) => {
    const context: Pick<BackfillContext, 'packer'> = {
      packer: new Packer({ limit: 2000, unit: 'value', extraRecords: 0 }),
    };
    const scope = { tokens, metrics: v1Metrics, tokensOf: () => tokens, tokensToReprobe: () => [], wanted };
    const signal = new AbortController().signal;
    return fillGaps({ database, ingestor: ingestor(), scope, clock, concurrency, signal, ...context });
  };

  it('is believed at once where a token never had the granularity, beside others that do', async () => {
    const tokens = simulator.market.tokens.slice(0, 12).map(({ token }) => token);
    const asked = request({ granularity: '15m', tokens });
    const { end, tally } = await fill(new Map([['15m', asked.interval]]), tokens);
    expect(end).toBe('done');
    expect(await readGaps(database, asked)).toEqual([]);
    expect(await readSuspects(database)).toEqual([]);
    // BTC and ETH alone have such windows. A call for each token, and at most one to see that the API is well.
    expect(tally.calls).toBeLessThanOrEqual(12 + 1);
  });

  it('does not keep a fill waiting, which ends with what is suspect left', async () => {
    const asked = request({ tokens: [LATE], days: 6 });
    await fill(new Map([['4h', { start: noon + 3 * day, end: noon + 6 * day }]]), [LATE]);
    const { end, failures } = await fill(new Map([['4h', asked.interval]]), [LATE]);
    expect({ end, failures }).toEqual({ end: 'done', failures: 0 });
    expect(await readGaps(database, asked)).toMatchObject([
      { interval: { start: noon, end: noon + 3 * day } },
    ]);
  });

  it('loses nothing of tokens never seen before, should an outage begin in the middle of a first fill', async () => {
    const tokens = [BTC, ETH];
    const wanted = new Map([['15m', request({ days: 2 }).interval] as const]);
    await fill(new Map([['15m', request().interval]]), [BTC]);
    clock.advance(3 * minute);
    outage('nothing');
    await fill(wanted, tokens);
    simulator.setFaults({});
    clock.advance(11 * minute);
    await fill(wanted, tokens);
    const asked = request({ granularity: '15m', tokens, days: 2 });
    expect(await readGaps(database, asked)).toEqual([]);
    await expectTruth('15m', tokens, asked);
  });
});
