import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { granularities, type MetricCode, type Token } from '../../src/catalog/index.ts';
import { type Gap, Packer, type PackingRules } from '../../src/planning/packing.ts';
import { type DataRequest, recordsOf } from '../../src/planning/request.ts';
import { thirteenMetrics } from '../support/catalogue.ts';
import { allTokens, granularity, lengthOf, metrics, newYear, tokens, windowsUpTo } from './arbitraries.ts';

const mostCells = 40_000;

const gap: fc.Arbitrary<Gap> = fc
  .record({
    granularity,
    tokens: fc.oneof(tokens(10), tokens(200)),
    metrics,
    windows: fc.oneof(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 3000 })),
  })
  .map(({ windows, ...codes }) => {
    const fitting = Math.floor(mostCells / (codes.tokens.length * codes.metrics.length));
    const interval = windowsUpTo(codes.granularity, newYear, Math.max(1, Math.min(windows, fitting)));
    return { ...codes, interval };
  });

const rules: fc.Arbitrary<PackingRules> = fc
  .record({
    limit: fc.oneof(fc.integer({ min: 1, max: 30 }), fc.integer({ min: 1, max: 5000 }), fc.constant(2000)),
    unit: fc.constantFrom('value', 'row'),
    extraRecords: fc.constantFrom(0, 1),
  })
  .filter(({ limit, extraRecords }) => limit > extraRecords);

/** How often the requests ask for each cell of the gap; a cell outside it is an error. */
function asked(of: Gap, requests: readonly DataRequest[]): Uint8Array {
  const length = lengthOf[of.granularity];
  const windows = (of.interval.end - of.interval.start) / length;
  const tokenPlace = new Map(of.tokens.map((token, place) => [token, place]));
  const metricPlace = new Map(of.metrics.map((metric, place) => [metric, place]));
  const times = new Uint8Array(of.tokens.length * of.metrics.length * windows);
  for (const request of requests) {
    for (let time = request.interval.start; time < request.interval.end; time += length) {
      const window = (time - of.interval.start) / length;
      for (const token of request.tokens) {
        for (const metric of request.metrics) {
          const [t, m] = [tokenPlace.get(token), metricPlace.get(metric)];
          if (t === undefined || m === undefined || !(window >= 0 && window < windows)) {
            throw new RangeError(`not in the gap: ${token} ${metric} ${time}`);
          }
          const cell = (window * of.tokens.length + t) * of.metrics.length + m;
          times[cell] = 1 + (times[cell] ?? 0);
        }
      }
    }
  }
  return times;
}

/** Records by counting on fingers: what an answer to the request can hold. */
function records({ tokens, metrics, interval, granularity }: DataRequest, by: PackingRules): number {
  let rows = 0;
  for (let time = interval.start; time < interval.end; time += lengthOf[granularity]) rows += tokens.length;
  return by.unit === 'row' ? rows : rows * (metrics.length + by.extraRecords);
}

const whole: Omit<Gap, 'granularity' | 'interval'> = { tokens: allTokens, metrics: thirteenMetrics };

describe('packing', () => {
  it('asks for each cell of a gap exactly once and for nothing else', () => {
    fc.assert(
      fc.property(gap, rules, (missing, by) => {
        const times = asked(missing, new Packer(by).pack(missing));
        expect(times.every((often) => often === 1)).toBe(true);
      }),
      { numRuns: 250 },
    );
  });

  it('never exceeds the limit, in values or rows, with or without a tag on top', () => {
    fc.assert(
      fc.property(gap, rules, (missing, by) => {
        const requests = new Packer(by).pack(missing);
        const wrong = requests.filter((request) => {
          const count = records(request, by);
          return !(count >= 1 && count <= by.limit);
        });
        expect(requests.length).toBeGreaterThan(0);
        expect(wrong).toEqual([]);
      }),
      { numRuns: 250 },
    );
  });

  it('gives the newest windows first, with the codes in the order of the gap', () => {
    fc.assert(
      fc.property(gap, rules, (missing, by) => {
        const requests = new Packer(by).pack(missing);
        const ends = requests.map(({ interval }) => interval.end);
        expect(ends).toEqual(ends.toSorted((a, b) => b - a));
        const place = new Map([...missing.tokens, ...missing.metrics].map((code, index) => [code, index]));
        const isOrdered = (codes: readonly (Token | MetricCode)[]) =>
          codes.every((code, index) => {
            const before = codes[index - 1];
            return before === undefined || (place.get(before) ?? 0) < (place.get(code) ?? 0);
          });
        const wrong = requests.filter(
          (request) =>
            request.granularity !== missing.granularity ||
            request.tags.length > 0 ||
            !isOrdered(request.tokens) ||
            !isOrdered(request.metrics),
        );
        expect(wrong).toEqual([]);
      }),
      { numRuns: 100 },
    );
  });

  it('counts the requests it would give, with one packer for many gaps', () => {
    const packers = ([0, 1] as const).map(
      (extraRecords) => new Packer({ limit: 2000, unit: 'value', extraRecords }),
    );
    fc.assert(
      fc.property(gap, fc.constantFrom(...packers), (missing, packer) => {
        expect(packer.count(missing)).toBe(packer.pack(missing).length);
      }),
    );
  });

  it('keeps all metrics together where that costs nothing', () => {
    const packer = new Packer({ limit: 2000, unit: 'value', extraRecords: 0 });
    const interval = windowsUpTo('15m', newYear, 153);
    const requests = packer.pack({ granularity: '15m', ...whole, interval });
    expect(requests).toHaveLength(200);
    for (const request of requests) expect(request.metrics).toEqual(thirteenMetrics);
  });

  it.each([1, 2, 3])(
    'asks for whole rows of everything in %i days, within 6 %% of the fewest requests',
    (days) => {
      const packer = new Packer({ limit: 2000, unit: 'value', extraRecords: 0 });
      let requests = 0;
      let cells = 0;
      for (const of of granularities) {
        const windows = (days * 86_400_000) / lengthOf[of];
        const packed = packer.pack({
          granularity: of,
          ...whole,
          interval: windowsUpTo(of, newYear, windows),
        });
        for (const request of packed) expect(request.metrics).toEqual(thirteenMetrics);
        requests += packed.length;
        cells += windows * allTokens.length * thirteenMetrics.length;
      }
      expect(requests / Math.ceil(cells / 2000)).toBeLessThanOrEqual(1.06);
    },
  );

  it.each(granularities)('asks for a single %s window of everything in two requests', (of) => {
    const missing: Gap = { granularity: of, ...whole, interval: windowsUpTo(of, newYear, 1) };
    const packer = new Packer({ limit: 2000, unit: 'value', extraRecords: 0 });
    expect(packer.pack(missing)).toHaveLength(2);
    expect(new Packer({ limit: 2000, unit: 'row', extraRecords: 0 }).pack(missing)).toHaveLength(1);
  });

  it('divides the metrics where that saves a request: 30 days of 1d in 39, which are full to the last value', () => {
    const missing: Gap = { granularity: '1d', ...whole, interval: windowsUpTo('1d', newYear, 30) };
    const packer = new Packer({ limit: 2000, unit: 'value', extraRecords: 0 });
    expect(packer.pack(missing)).toHaveLength(39);
  });

  it('asks for nothing where nothing is missing', () => {
    const packer = new Packer({ limit: 2000, unit: 'value', extraRecords: 0 });
    const interval = windowsUpTo('1h', newYear, 5);
    const empty: Gap[] = [
      { granularity: '1h', ...whole, interval: windowsUpTo('1h', newYear, 0) },
      { granularity: '1h', tokens: [], metrics: thirteenMetrics, interval },
      { granularity: '1h', tokens: allTokens, metrics: [], interval },
    ];
    expect(empty.flatMap((missing) => packer.pack(missing))).toEqual([]);
    expect(empty.map((missing) => packer.count(missing))).toEqual([0, 0, 0]);
  });

  it('refuses a limit that leaves no room for a value', () => {
    expect(() => new Packer({ limit: 0, unit: 'value', extraRecords: 0 })).toThrow(RangeError);
    expect(() => new Packer({ limit: 1, unit: 'value', extraRecords: 1 })).toThrow(RangeError);
    expect(() => new Packer({ limit: Number.NaN, unit: 'value', extraRecords: 0 })).toThrow(RangeError);
  });

  it('counts the records of a request as values with tags, or as rows', () => {
    const request: DataRequest = {
      granularity: '4h',
      tokens: allTokens.slice(0, 7),
      metrics: thirteenMetrics.slice(0, 3),
      tags: ['CO-B-01-04', 'CO-B-03-01'],
      interval: windowsUpTo('4h', newYear, 6),
    };
    expect(recordsOf(request, 'value')).toBe(7 * 6 * 5);
    expect(recordsOf(request, 'row')).toBe(7 * 6);
  });
});
