import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  asToken,
  type Granularity,
  granularities,
  type MetricCode,
  metricCodes,
  type TagCode,
  tagCodes,
  windowLength,
} from '../../src/catalog/index.ts';
import {
  codesOf,
  fillerOf,
  halve,
  halveCodes,
  halveTokens,
  mayExceed,
  withCodes,
  withFillers,
} from '../../src/ingest/splitting.ts';
import type { DataRequest } from '../../src/planning/request.ts';

const midnight = Date.UTC(2024, 11, 31, 16);
const few = ['BTC', 'ETH', 'SOL', '1INCH', 'S'].map(asToken);

const request: fc.Arbitrary<DataRequest> = fc
  .record({
    granularity: fc.constantFrom<Granularity[]>(...granularities),
    tokens: fc.subarray(few, { minLength: 1 }),
    metrics: fc.subarray<MetricCode>(metricCodes.slice(0, 5)),
    tags: fc.subarray<TagCode>(tagCodes.slice(0, 3)),
    windows: fc.integer({ min: 1, max: 9 }),
  })
  .filter(({ metrics, tags }) => metrics.length + tags.length > 0)
  .map(({ windows, ...codes }) => ({
    ...codes,
    interval: { start: midnight, end: midnight + windows * windowLength[codes.granularity] },
  }));

/** Everything a request asks for, metrics and tags alike. */
function cells({ granularity, tokens, metrics, tags, interval }: DataRequest): string[] {
  const found: string[] = [];
  for (let time = interval.start; time < interval.end; time += windowLength[granularity]) {
    for (const token of tokens) {
      for (const code of [...metrics, ...tags]) found.push(`${granularity} ${time} ${token} ${code}`);
    }
  }
  return found;
}

describe('halving a request', () => {
  it('asks for the same cells in two parts, each of them smaller', () => {
    fc.assert(
      fc.property(request, (whole) => {
        const parts = halve(whole) ?? [];
        const expected = cells(whole);
        if (expected.length === 1) expect(parts).toEqual([]);
        else {
          expect(parts).toHaveLength(2);
          expect(parts.flatMap(cells).sort()).toEqual(expected.sort());
          for (const part of parts) expect(cells(part).length).toBeGreaterThan(0);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('again and again ends at single cells, every one of them once', () => {
    fc.assert(
      fc.property(request, (whole) => {
        const single: string[] = [];
        const rest = [whole];
        for (let next = rest.pop(); next !== undefined; next = rest.pop()) {
          const parts = halve(next);
          if (parts === undefined) single.push(...cells(next));
          else rest.push(...parts);
        }
        expect(single.sort()).toEqual(cells(whole).sort());
      }),
      { numRuns: 60 },
    );
  });

  it('halves windows first, then tokens, then codes, and keeps the newest windows first', () => {
    const hour = windowLength['1h'];
    const whole: DataRequest = {
      granularity: '1h',
      tokens: few.slice(0, 3),
      metrics: metricCodes.slice(0, 2),
      tags: tagCodes.slice(0, 1),
      interval: { start: midnight, end: midnight + 3 * hour },
    };
    expect(halve(whole)).toEqual([
      { ...whole, interval: { start: midnight + hour, end: midnight + 3 * hour } },
      { ...whole, interval: { start: midnight, end: midnight + hour } },
    ]);
    const narrow = { ...whole, interval: { start: midnight, end: midnight + hour } };
    expect(halve(narrow)).toEqual([
      { ...narrow, tokens: few.slice(0, 2) },
      { ...narrow, tokens: few.slice(2, 3) },
    ]);
    const single = { ...narrow, tokens: few.slice(0, 1) };
    expect(halve(single)).toEqual([
      { ...single, tags: [] },
      { ...single, metrics: [] },
    ]);
  });

  it('of tokens or codes alone is impossible where there is but one', () => {
    fc.assert(
      fc.property(request, (whole) => {
        expect(halveTokens(whole) === undefined).toBe(whole.tokens.length === 1);
        expect(halveCodes(whole) === undefined).toBe(whole.metrics.length + whole.tags.length === 1);
        for (const parts of [halveTokens(whole), halveCodes(whole)]) {
          if (parts !== undefined) expect(parts.flatMap(cells).sort()).toEqual(cells(whole).sort());
        }
      }),
    );
  });
});

describe('the codes of a request', () => {
  it('are its metrics and its tags', () => {
    fc.assert(
      fc.property(request, fc.subarray<string>([...metricCodes, ...tagCodes]), (whole, chosen) => {
        expect(codesOf(whole)).toEqual([...whole.metrics, ...whole.tags]);
        const kept = withCodes(whole, (code) => chosen.includes(code));
        expect(codesOf(kept)).toEqual(
          [...whole.metrics, ...whole.tags].filter((code) => chosen.includes(code)),
        );
        expect(kept).toMatchObject({ tokens: whole.tokens, interval: whole.interval });
      }),
    );
  });

  it('take along a metric where only tags are wanted, and a tag where the API wants one always', () => {
    const plain = {
      granularity: '1d',
      tokens: few,
      interval: { start: midnight, end: midnight + 1 },
    } as const;
    const tagsOnly = { ...plain, metrics: [], tags: ['CO-B-01-04'] } as const;
    const metricsOnly = { ...plain, metrics: ['CO-A-01-05'], tags: [] } as const;
    const company = { metric: 'CO-A-02-01', tag: 'CO-B-03-01' } as const;
    expect(withFillers(tagsOnly, company)).toEqual({ ...tagsOnly, metrics: ['CO-A-02-01'] });
    expect(withFillers(metricsOnly, company)).toEqual({ ...metricsOnly, tags: ['CO-B-03-01'] });
    expect(withFillers(metricsOnly, { ...company, tag: undefined })).toEqual(metricsOnly);
    expect(fillerOf(tagsOnly, company)).toBe('CO-A-02-01');
    expect(fillerOf(metricsOnly, company)).toBe('CO-B-03-01');
    expect(fillerOf(metricsOnly, { ...company, tag: undefined })).toBeUndefined();
  });
});

describe('mayExceed', () => {
  it('holds as soon as any reading of the limit is exceeded, and not before', () => {
    fc.assert(
      fc.property(request, fc.integer({ min: 1, max: 600 }), (whole, limit) => {
        const length = windowLength[whole.granularity];
        const readings: number[] = [];
        for (const windowsMore of [0, 1]) {
          for (const codeMore of [[], ['filler or tag']]) {
            let records = 0;
            for (
              let at = whole.interval.start;
              at < whole.interval.end + windowsMore * length;
              at += length
            ) {
              records += whole.tokens.length * [...whole.metrics, ...whole.tags, ...codeMore].length;
            }
            readings.push(records);
          }
        }
        expect(mayExceed(whole, limit)).toBe(readings.some((records) => records > limit));
      }),
      { numRuns: 300 },
    );
  });
});
