import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  bundledCatalogue,
  type Granularity,
  granularities,
  type MetricCode,
  type Token,
} from '../../src/catalog/index.ts';
import type { Interval } from '../../src/planning/interval.ts';
import { Packer } from '../../src/planning/packing.ts';
import {
  planGaps,
  planRequests,
  segments,
  type WantedWindows,
  wantedWindows,
} from '../../src/planning/plan.ts';
import { allTokens, day, lengthOf, newYear, windowsUpTo } from './arbitraries.ts';

/** What one version of the API has. */
const metricCodes = bundledCatalogue.served(bundledCatalogue.codes, 'v1');

/** How many requests a plan takes, held against the fewest there can be: 2,000 values in each. */

const limit = 2000;
const newPacker = () => new Packer({ limit, unit: 'value', extraRecords: 0 });

const windowsPerDay: Readonly<Record<Granularity, number>> = { '15m': 96, '1h': 24, '4h': 6, '1d': 1 };

function fewest(windows: number, tokens: number, metrics: number): number {
  return Math.ceil((windows * tokens * metrics) / limit);
}

function windowsOf(wanted: WantedWindows): number {
  let windows = 0;
  for (const [granularity, { start, end }] of wanted) windows += (end - start) / lengthOf[granularity];
  return windows;
}

/** A plan over an empty ledger. */
async function countRequests(
  wanted: WantedWindows,
  packer: Packer,
  tokens: readonly Token[] = allTokens,
  metrics: readonly MetricCode[] = metricCodes,
): Promise<number> {
  const nothingYet = async (granularity: Granularity, interval: Interval) => [
    { granularity, tokens, metrics, interval },
  ];
  let count = 0;
  for await (const gaps of planGaps(wanted, nothingYet)) {
    for (const gap of gaps) count += packer.count(gap);
  }
  return count;
}

const range = fc
  .record({
    days: fc.integer({ min: 30, max: 400 }),
    // Ends anywhere in a day, as plans do.
    end: fc.integer({ min: newYear + 400 * day, max: newYear + 800 * day }),
  })
  .map(({ days, end }) => ({ start: end - days * day, end }));

describe('requests for 200 tokens and all metrics of a version', () => {
  // Stretches of 1d are whole days, which the next test goes through.
  const finer = granularities.filter((granularity) => granularity !== '1d');

  it.each(finer)('of %s are within 1 % of the fewest in any stretch of 30 to 60 days', (granularity) => {
    const packer = newPacker();
    const over: string[] = [];
    for (
      let windows = 30 * windowsPerDay[granularity];
      windows < 60 * windowsPerDay[granularity];
      windows++
    ) {
      const interval = windowsUpTo(granularity, newYear, windows);
      const count = packer.count({ granularity, tokens: allTokens, metrics: metricCodes, interval });
      const least = fewest(windows, 200, metricCodes.length);
      if (count > 1.01 * least) over.push(`${windows} windows: ${count}, at least ${least}`);
    }
    expect(over).toEqual([]);
  });

  it.each(granularities)(
    'of %s alone are within 1 % of the fewest in 30 to 400 days',
    async (granularity) => {
      const packer = newPacker();
      const over: string[] = [];
      for (let days = 30; days <= 400; days++) {
        const wanted = new Map([[granularity, { start: newYear, end: newYear + days * day }]]);
        const count = await countRequests(wanted, packer);
        const least = fewest(days * windowsPerDay[granularity], 200, metricCodes.length);
        if (count > 1.01 * least) over.push(`${days} days: ${count}, at least ${least}`);
      }
      expect(over).toEqual([]);
    },
  );

  it('of all granularities together are within 1 % of the fewest in 30 to 400 days', async () => {
    const packer = newPacker();
    await fc.assert(
      fc.asyncProperty(range, async ({ start, end }) => {
        const wanted = wantedWindows({ start, end }, granularities, end, 0, '00:00');
        const count = await countRequests(wanted, packer);
        expect(count).toBeLessThanOrEqual(1.01 * fewest(windowsOf(wanted), 200, metricCodes.length));
      }),
      { numRuns: 150 },
    );
  });

  it('are as many when they are drawn up as when they are counted', async () => {
    const wanted = wantedWindows(
      { start: newYear, end: newYear + 70 * day },
      granularities,
      newYear + 70 * day,
      0,
      '00:00',
    );
    let drawnUp = 0;
    const nothingYet = async (granularity: Granularity, interval: Interval) => [
      { granularity, tokens: allTokens, metrics: metricCodes, interval },
    ];
    for await (const request of planRequests(wanted, nothingYet, newPacker()))
      drawnUp += Math.min(1, request.tokens.length);
    expect(drawnUp).toBe(await countRequests(wanted, newPacker()));
    expect(drawnUp).toBeLessThanOrEqual(1.01 * fewest(70 * 127, 200, metricCodes.length));
  });
});

describe('requests for some tokens and metrics', () => {
  /** Any number of windows that a stretch of a plan can have. */
  const stretch = fc.record({
    granularity: fc.constantFrom<Granularity[]>(...granularities),
    share: fc.double({ min: 0, max: 1, noNaN: true }),
    tokens: fc.integer({ min: 1, max: 200 }),
    metrics: fc.integer({ min: 1, max: metricCodes.length }),
  });

  it('are within 1 % of the fewest or two more in each stretch of a plan', () => {
    fc.assert(
      fc.property(stretch, ({ granularity, share, tokens, metrics }) => {
        const windows = Math.floor((30 + 30 * share) * windowsPerDay[granularity]);
        const count = newPacker().count({
          granularity,
          tokens: allTokens.slice(0, tokens),
          metrics: metricCodes.slice(0, metrics),
          interval: windowsUpTo(granularity, newYear, windows),
        });
        const least = fewest(windows, tokens, metrics);
        expect(count).toBeGreaterThanOrEqual(least);
        expect(count).toBeLessThanOrEqual(Math.max(1.01 * least, least + 2));
      }),
      { numRuns: 400 },
    );
  });

  it('of one granularity add up stretch by stretch, two above the fewest in each at most', async () => {
    await fc.assert(
      fc.asyncProperty(stretch, range, async ({ granularity, tokens, metrics }, { start, end }) => {
        const wanted = wantedWindows({ start, end }, [granularity], end, 0, '00:00');
        const interval = wanted.get(granularity);
        if (interval === undefined) throw new Error('no windows are wanted');
        const packer = newPacker();
        const chosen = [allTokens.slice(0, tokens), metricCodes.slice(0, metrics)] as const;
        const count = await countRequests(wanted, packer, ...chosen);
        let most = 0;
        for (const part of segments(interval)) {
          const windows = Math.ceil((part.end - part.start) / lengthOf[granularity]);
          const least = fewest(windows, tokens, metrics);
          most += Math.max(1.01 * least, least + 2);
        }
        expect(count).toBeLessThanOrEqual(most);
      }),
      { numRuns: 60 },
    );
  });
});
