import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { asToken, type Granularity, type MetricCode, metricCodes } from '../../src/catalog/index.ts';
import { type Block, groupCells, type MissingCells, subtract } from '../../src/planning/gaps.ts';
import { cellsOf, lengthOf, newYear, windowsUpTo } from './arbitraries.ts';

// Few tokens, metrics and windows, so that blocks meet.
const fewTokens = ['BTC', 'ETH', '1INCH', 'S'].map(asToken);
const fewMetrics = metricCodes.slice(0, 4);
const fewGranularities: Granularity[] = ['1h', '1d'];

const tokens = fc.shuffledSubarray(fewTokens, { minLength: 1 });
const metrics = fc.shuffledSubarray<MetricCode>(fewMetrics, { minLength: 1 });

const block: fc.Arbitrary<Block> = fc
  .record({
    granularity: fc.constantFrom(...fewGranularities),
    tokens,
    metrics,
    from: fc.nat({ max: 9 }),
    windows: fc.integer({ min: 1, max: 6 }),
  })
  .map(({ granularity, from, windows, ...codes }) => ({
    granularity,
    ...codes,
    interval: windowsUpTo(granularity, newYear + (from + windows) * lengthOf[granularity], windows),
  }));

/** Blocks that share no cell, as gaps are. */
const disjointBlocks = fc.array(block, { maxLength: 5 }).map((blocks) => {
  const seen = new Set<string>();
  return blocks.filter((candidate) => {
    const cells = [...cellsOf([candidate])];
    if (cells.some((cell) => seen.has(cell))) return false;
    for (const cell of cells) seen.add(cell);
    return true;
  });
});

describe('subtract', () => {
  it('leaves exactly the cells of the gaps that are not taken, each once', () => {
    fc.assert(
      fc.property(disjointBlocks, fc.array(block, { maxLength: 5 }), (gaps, taken) => {
        const takenCells = new Set(cellsOf(taken));
        const expected = [...cellsOf(gaps)].filter((cell) => !takenCells.has(cell));
        expect([...cellsOf(subtract(gaps, taken))].sort()).toEqual(expected.sort());
      }),
      { numRuns: 400 },
    );
  });

  it('gives the newest gap first', () => {
    fc.assert(
      fc.property(disjointBlocks, fc.array(block, { maxLength: 5 }), (gaps, taken) => {
        const ends = subtract(gaps, taken).map(({ interval }) => interval.end);
        expect(ends).toEqual(ends.toSorted((a, b) => b - a));
      }),
    );
  });

  it('keeps a gap whole where nothing of it is taken', () => {
    const gap: Block = {
      granularity: '1h',
      tokens: fewTokens,
      metrics: fewMetrics,
      interval: windowsUpTo('1h', newYear, 10),
    };
    const elsewhere: Block[] = [
      { ...gap, granularity: '1d', interval: windowsUpTo('1d', newYear, 10) },
      { ...gap, interval: windowsUpTo('1h', newYear - 10 * lengthOf['1h'], 5) },
      { ...gap, tokens: [asToken('SOL')] },
      { ...gap, metrics: metricCodes.slice(5, 6) },
    ];
    expect(subtract([gap], elsewhere)).toEqual([gap]);
    expect(subtract([gap], [])).toEqual([gap]);
    expect(subtract([], elsewhere)).toEqual([]);
  });

  it('keeps the cells on both sides of a hole as one gap each', () => {
    const gap: Block = {
      granularity: '1d',
      tokens: fewTokens,
      metrics: fewMetrics,
      interval: windowsUpTo('1d', newYear, 10),
    };
    const hole: Block = { ...gap, interval: windowsUpTo('1d', newYear - 4 * lengthOf['1d'], 2) };
    expect(subtract([gap], [hole])).toEqual([
      { ...gap, interval: windowsUpTo('1d', newYear, 4) },
      { ...gap, interval: windowsUpTo('1d', newYear - 6 * lengthOf['1d'], 4) },
    ]);
  });
});

describe('groupCells', () => {
  /** For each token and metric disjoint intervals, in any order. */
  const missing: fc.Arbitrary<MissingCells[]> = fc.array(block, { maxLength: 6 }).chain((blocks) => {
    const seen = new Set<string>();
    const cells: MissingCells[] = [];
    for (const { tokens, metrics, interval } of blocks) {
      for (const token of tokens) {
        for (const metric of metrics) {
          const named = [...cellsOf([{ granularity: '1h', tokens: [token], metrics: [metric], interval }])];
          if (named.some((cell) => seen.has(cell))) continue;
          for (const cell of named) seen.add(cell);
          cells.push({ token, metric, interval });
        }
      }
    }
    return fc.shuffledSubarray(cells, { minLength: cells.length });
  });

  it('gathers exactly the cells it is given, each once', () => {
    fc.assert(
      fc.property(missing, (cells) => {
        const single = cells.map(({ token, metric, interval }) => ({
          granularity: '1h' as const,
          tokens: [token],
          metrics: [metric],
          interval,
        }));
        expect([...cellsOf(groupCells('1h', cells))].sort()).toEqual([...cellsOf(single)].sort());
      }),
      { numRuns: 300 },
    );
  });

  it('makes one block of all that share an interval and the metrics they miss', () => {
    const interval = windowsUpTo('4h', newYear, 7);
    const other = windowsUpTo('4h', newYear, 3);
    const cells: MissingCells[] = fewTokens.flatMap((token) =>
      fewMetrics.map((metric) => ({ token, metric, interval })),
    );
    const lone = { token: asToken('SOL'), metric: fewMetrics[0] ?? metricCodes[0] ?? 'CO-A-01-01' };
    expect(groupCells('4h', [...cells, { ...lone, interval: other }])).toEqual([
      { granularity: '4h', tokens: fewTokens, metrics: fewMetrics, interval },
      { granularity: '4h', tokens: [lone.token], metrics: [lone.metric], interval: other },
    ]);
  });

  it('makes no block of nothing', () => {
    expect(groupCells('15m', [])).toEqual([]);
  });
});
