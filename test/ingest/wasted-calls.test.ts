import { beforeEach, expect, it } from 'vitest';
import { fillGaps } from '../../src/backfill/fill.ts';
import { summariseGaps, totalOf } from '../../src/backfill/summary.ts';
import { bundledTokens, granularities } from '../../src/catalog/index.ts';
import { Packer } from '../../src/planning/packing.ts';
import { wantedWindows } from '../../src/planning/plan.ts';
import { createIngestor, startTestSimulator } from '../support/api.ts';
import { v1Metrics } from '../support/catalogue.ts';
import { day, ManualClock } from '../support/clock.ts';
import { createTestDatabase, describeOnServers } from '../support/database.ts';

const tokens = bundledTokens.slice(0, 80).map(({ token }) => token);
const end = Date.UTC(2025, 5, 19, 16);
const clock = new ManualClock('2025-06-20T00:05:00Z');

describeOnServers('calls that bring nothing', (kind) => {
  let simulator: Awaited<ReturnType<typeof startTestSimulator>>;
  beforeEach(async () => {
    simulator = await startTestSimulator({ clock, seed: 7 });
  });

  async function fill(days: number, concurrency: number) {
    const database = await createTestDatabase(kind);
    const range = { start: end - days * day, end };
    const scope = {
      tokens,
      metrics: v1Metrics,
      tokensOf: () => tokens,
      tokensToReprobe: () => [],
      wanted: wantedWindows(range, granularities, clock.now(), 0, '08:00'),
    };
    const packer = new Packer({ limit: 2000, unit: 'value', extraRecords: 0 });
    const planned = totalOf(await summariseGaps(database, scope, packer)).requests;
    const ingestor = createIngestor(database, simulator, clock);
    const signal = new AbortController().signal;
    await fillGaps({ database, ingestor, packer, scope, clock, concurrency, signal });
    return planned;
  }

  it('are one probe for each token that lacks a granularity and is answered with code 203', async () => {
    simulator.configure({ emptyAnswer: '203' });
    const planned = await fill(1, 4);
    const lacking = granularities.flatMap((granularity) =>
      tokens.filter((token) => !simulator.market.hasGranularity(token, granularity)),
    );
    expect(lacking.length).toBeGreaterThan(10);
    expect(simulator.counters.requests).toBeLessThanOrEqual(planned + lacking.length);
  });

  it('are few where two metrics are refused: what one call learns all others know', async () => {
    for (const code of ['CO-A-01-02', 'CO-A-02-03']) simulator.refuseMetric(code);
    await fill(1, 8);
    expect(simulator.counters.byCode[205]).toBeLessThanOrEqual(12);
  });
});
