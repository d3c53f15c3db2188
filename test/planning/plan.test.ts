import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  asToken,
  type Granularity,
  granularities,
  type MetricCode,
  type Token,
} from '../../src/catalog/index.ts';
import { groupCells, type MissingCells } from '../../src/planning/gaps.ts';
import type { Interval } from '../../src/planning/interval.ts';
import { type Gap, Packer } from '../../src/planning/packing.ts';
import {
  type GapReader,
  planGaps,
  planRequests,
  segments,
  type WantedWindows,
  wantedWindows,
} from '../../src/planning/plan.ts';
import type { DataRequest } from '../../src/planning/request.ts';
import { thirteenMetrics } from '../support/catalogue.ts';
import { allTokens, cellsOf, day, lengthOf, newYear } from './arbitraries.ts';

const packer = () => new Packer({ limit: 2000, unit: 'value', extraRecords: 0 });

/** A ledger in which nothing has been answered, and what it was asked. */
function emptyLedger(tokens: readonly Token[], metrics: readonly MetricCode[]) {
  const reads: { granularity: Granularity; interval: Interval }[] = [];
  const read: GapReader = async (granularity, interval) => {
    reads.push({ granularity, interval });
    return [{ granularity, tokens, metrics, interval }];
  };
  return { reads, read };
}

const instant = fc.integer({ min: newYear, max: newYear + 400 * day });
const someGranularities = fc.shuffledSubarray<Granularity>([...granularities], { minLength: 1 });

describe('wanted windows', () => {
  it('are those that start within the range and have been closed for the settle delay', () => {
    const start = fc.integer({ min: newYear, max: newYear + 20 * day });
    const length = fc.integer({ min: -day, max: 6 * day });
    const lag = fc.integer({ min: -3 * day, max: 8 * day });
    const delay = fc.nat({ max: day });
    fc.assert(
      fc.property(start, length, lag, delay, someGranularities, (from, span, later, settleDelay, chosen) => {
        const now = from + later;
        const wanted = wantedWindows({ start: from, end: from + span }, chosen, now, settleDelay, '00:00');
        expect([...wanted.keys()]).toEqual(chosen);
        for (const granularity of chosen) {
          const windows: number[] = [];
          const step = lengthOf[granularity];
          for (let time = newYear; time <= from + span; time += step) {
            const end = time + step;
            if (time >= from && time < from + span && end + settleDelay <= now) windows.push(time);
          }
          const { start, end } = wanted.get(granularity) ?? { start: Number.NaN, end: Number.NaN };
          expect((end - start) / step).toBe(windows.length);
          if (windows.length > 0) expect(start).toBe(windows[0]);
        }
      }),
      { numRuns: 200 },
    );
  });
});

describe('segments', () => {
  it('follow one another from the newest to the oldest and leave nothing out', () => {
    fc.assert(
      fc.property(instant, fc.integer({ min: 1, max: 900 * day }), (start, length) => {
        const parts = [...segments({ start, end: start + length })];
        expect(parts[0]?.end).toBe(start + length);
        expect(parts.at(-1)?.start).toBe(start);
        for (const [index, part] of parts.entries()) {
          expect(part.end).toBeGreaterThan(part.start);
          if (index > 0) expect(part.end).toBe(parts[index - 1]?.start);
        }
      }),
    );
  });

  it('last 30 days each; the oldest has what is left, up to 60', () => {
    fc.assert(
      fc.property(instant, fc.integer({ min: 30 * day, max: 900 * day }), (start, length) => {
        const lengths = [...segments({ start, end: start + length })].map((part) => part.end - part.start);
        const oldest = lengths.pop() ?? 0;
        expect(lengths.every((each) => each === 30 * day)).toBe(true);
        expect(oldest >= 30 * day && oldest < 60 * day).toBe(true);
      }),
    );
  });

  it('are none where the range is empty', () => {
    expect([...segments({ start: newYear, end: newYear })]).toEqual([]);
    expect([...segments({ start: newYear, end: newYear - day })]).toEqual([]);
  });
});

describe('a plan', () => {
  const year = wantedWindows(
    { start: newYear, end: newYear + 365 * day },
    granularities,
    newYear + 366 * day,
    0,
    '00:00',
  );

  it('reads each window of each granularity exactly once, wherever the ranges end', async () => {
    const wantedAnywhere = fc
      .tuple(instant, fc.integer({ min: 0, max: 200 * day }), someGranularities)
      .map(
        ([start, length, chosen]): WantedWindows =>
          wantedWindows({ start, end: start + length }, chosen, start + length + 1, 0, '00:00'),
      );
    await fc.assert(
      fc.asyncProperty(wantedAnywhere, async (wanted) => {
        const { reads, read } = emptyLedger(allTokens, thirteenMetrics);
        for await (const gaps of planGaps(wanted, read)) expect(gaps).toHaveLength(1);
        for (const [granularity, interval] of wanted) {
          const parts = reads.filter((each) => each.granularity === granularity);
          let end = interval.end;
          for (const part of parts) {
            expect(part.interval.end).toBe(end);
            expect(part.interval.start).toBeLessThan(end);
            expect((end - part.interval.start) % lengthOf[granularity]).toBe(0);
            end = part.interval.start;
          }
          expect(end).toBe(interval.start);
        }
        expect(reads.every(({ granularity }) => wanted.has(granularity))).toBe(true);
      }),
      { numRuns: 100 },
    );
  });

  it('gives its first request after reading one stretch of the coarsest granularity', async () => {
    const { reads, read } = emptyLedger(allTokens, thirteenMetrics);
    const requests = planRequests(year, read, packer());
    const first = await requests.next();
    await requests.return(undefined);
    expect(first.value).toMatchObject({ granularity: '1d' });
    expect(reads).toEqual([
      { granularity: '1d', interval: { start: newYear + 335 * day, end: newYear + 365 * day } },
    ]);
  });

  it('reads the next stretch only once the requests of the one before are taken', async () => {
    const { reads, read } = emptyLedger(allTokens, thirteenMetrics);
    let taken = 0;
    for await (const request of planRequests(year, read, packer())) {
      expect(reads.at(-1)?.granularity).toBe(request.granularity);
      // 39 for 30 days of 1d, 234 for 30 days of 4h, 936 for 30 days of 1h, give or take.
      if (++taken === 1250) break;
    }
    expect(reads.map(({ granularity }) => granularity)).toEqual(['1d', '4h', '1h', '15m']);
  });

  it('goes from the newest stretch to the oldest, coarse before fine, and newest first in each', async () => {
    const { read } = emptyLedger(allTokens.slice(0, 20), thirteenMetrics);
    const ends = new Map<Granularity, number>();
    const order: Granularity[] = [];
    for await (const { granularity, interval } of planRequests(year, read, packer())) {
      expect(interval.end).toBeLessThanOrEqual(ends.get(granularity) ?? Number.POSITIVE_INFINITY);
      ends.set(granularity, interval.end);
      if (order.at(-1) !== granularity) order.push(granularity);
    }
    const stretches = [...segments({ start: newYear, end: newYear + 365 * day })].length;
    expect(order).toEqual(Array.from({ length: stretches }, () => ['1d', '4h', '1h', '15m']).flat());
  });

  it('of nothing wanted reads nothing', async () => {
    const { reads, read } = emptyLedger(allTokens, thirteenMetrics);
    const nothing: WantedWindows = new Map([['1h', { start: newYear, end: newYear }]]);
    for await (const request of planRequests(nothing, read, packer()))
      throw new Error(JSON.stringify(request));
    for await (const request of planRequests(new Map(), read, packer()))
      throw new Error(JSON.stringify(request));
    expect(reads).toEqual([]);
  });
});

describe('a plan over a ledger', () => {
  const tokens = ['BTC', 'ETH', 'SOL'].map(asToken);
  const metrics = thirteenMetrics.slice(0, 3);

  /** A ledger as plain as can be: the set of cells that were answered. */
  function gapsBetween(answered: ReadonlySet<string>): GapReader {
    return async (granularity, { start, end }): Promise<Gap[]> => {
      const missing: MissingCells[] = [];
      const step = lengthOf[granularity];
      for (const token of tokens) {
        for (const metric of metrics) {
          let from: number | undefined;
          for (let time = start; time <= end; time += step) {
            const isMissing = time < end && !answered.has(`${granularity} ${time} ${token} ${metric}`);
            if (isMissing) from ??= time;
            else if (from !== undefined) {
              missing.push({ token, metric, interval: { start: from, end: time } });
              from = undefined;
            }
          }
        }
      }
      return groupCells(granularity, missing);
    };
  }

  const answeredBlock = fc.record({
    granularity: fc.constantFrom<Granularity[]>('4h', '1d'),
    tokens: fc.subarray(tokens, { minLength: 1 }),
    metrics: fc.subarray<MetricCode>([...metrics], { minLength: 1 }),
    from: fc.nat({ max: 70 }),
    days: fc.integer({ min: 1, max: 20 }),
  });

  it('asks for what is wanted and was not answered, each cell once, the newest first, and nothing else', async () => {
    const limits = fc.constantFrom(7, 100, 2000);
    await fc.assert(
      fc.asyncProperty(
        fc.array(answeredBlock, { maxLength: 8 }),
        fc.integer({ min: 0, max: 75 * day }),
        limits,
        async (blocks, length, limit) => {
          const answered = new Set(
            cellsOf(
              blocks.map(({ from, days, ...block }) => ({
                ...block,
                interval: { start: newYear + from * day, end: newYear + (from + days) * day },
              })),
            ),
          );
          const range = { start: newYear, end: newYear + length };
          const wanted = wantedWindows(range, ['4h', '1d'], range.end, 0, '00:00');
          const everything: Gap[] = Array.from(wanted, ([granularity, interval]) => ({
            granularity,
            tokens,
            metrics,
            interval,
          }));
          const requests: DataRequest[] = [];
          const plan = planRequests(
            wanted,
            gapsBetween(answered),
            new Packer({ limit, unit: 'value', extraRecords: 0 }),
          );
          for await (const request of plan) requests.push(request);
          const expected = [...cellsOf(everything)].filter((cell) => !answered.has(cell));
          expect([...cellsOf(requests)].sort()).toEqual(expected.sort());
          for (const granularity of wanted.keys()) {
            const ends = requests
              .filter((each) => each.granularity === granularity)
              .map(({ interval }) => interval.end);
            expect(ends).toEqual(ends.toSorted((a, b) => b - a));
          }
        },
      ),
      { numRuns: 60 },
    );
  });
});
