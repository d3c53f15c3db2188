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
import { lanes } from '../../src/planning/lanes.ts';
import type { DataRequest } from '../../src/planning/request.ts';
import {
  fetchJobId,
  fetchJobSchema,
  fromFetchJob,
  planJobSchema,
  priorityOf,
  toFetchJob,
} from '../../src/queue/jobs.ts';

const midnight = Date.UTC(2024, 11, 31, 16);
const tokens = ['BTC', 'ETH', '1INCH', 'S', '1', '币|安', 'A:B'].map(asToken);

const request: fc.Arbitrary<DataRequest> = fc
  .record({
    granularity: fc.constantFrom<Granularity[]>(...granularities),
    tokens: fc.subarray(tokens, { minLength: 1 }),
    metrics: fc.subarray<MetricCode>([...metricCodes]),
    tags: fc.subarray<TagCode>([...tagCodes]),
    from: fc.nat({ max: 3 }),
    windows: fc.integer({ min: 1, max: 3 }),
  })
  .map(({ from, windows, ...codes }) => {
    const start = midnight + from * windowLength[codes.granularity];
    return { ...codes, interval: { start, end: start + windows * windowLength[codes.granularity] } };
  });

const btc: DataRequest = {
  granularity: '1h',
  tokens: [asToken('BTC'), asToken('ETH')],
  metrics: ['CO-A-01-05'],
  tags: [],
  interval: { start: midnight, end: midnight + 86_400_000 },
};

describe('a fetch job', () => {
  it('comes out of the queue as the request that went in', () => {
    fc.assert(
      fc.property(request, fc.constantFrom(...lanes), (given, lane) => {
        const stored: unknown = JSON.parse(JSON.stringify(toFetchJob(given, lane)));
        expect(fromFetchJob(stored)).toEqual({ request: given, lane });
      }),
    );
  });

  it.each([
    { lane: 'urgent' },
    { granularity: '2h' },
    { tokens: 'BTC' },
    { tokens: ['B TC'] },
    { metrics: ['CO-A-99-99'] },
    { metrics: ['CO-B-01-01'] },
    { tags: ['CO-A-01-05'] },
    { from: '2025-01-01' },
    { to: 0.5 },
    { to: null },
  ])('that holds %j is refused', (wrong) => {
    expect(() => fromFetchJob({ ...toFetchJob(btc, 'live'), ...wrong })).toThrow();
    expect(fetchJobSchema().safeParse(toFetchJob(btc, 'live')).success).toBe(true);
  });

  it.each([null, undefined, 'live', [], {}])('that is %j is refused', (data) => {
    expect(() => fromFetchJob(data)).toThrow();
  });
});

describe('the id of a fetch job', () => {
  it('shows granularity and Beijing times, and a digest of the cells', () => {
    // printf 'BTC,ETH|CO-A-01-05|' | openssl dgst -sha256
    expect(fetchJobId(btc)).toBe('1h_20250101T000000_20250102T000000_9dfb9991a6d29bc3');
    const tagged: DataRequest = {
      ...btc,
      granularity: '1d',
      tokens: [asToken('1INCH')],
      metrics: [],
      tags: ['CO-B-01-04', 'CO-B-03-01'],
    };
    expect(fetchJobId(tagged)).toBe('1d_20250101T000000_20250102T000000_a24b48da76522a6d');
  });

  it('is the same for the same request, however often it is made', () => {
    fc.assert(
      fc.property(request, (given) => {
        const copy: DataRequest = structuredClone(given);
        expect(fetchJobId(copy)).toBe(fetchJobId(given));
        expect(fetchJobId(fromFetchJob(toFetchJob(given, 'history')).request)).toBe(fetchJobId(given));
      }),
    );
  });

  it('is another for another request', () => {
    const requests = fc.uniqueArray(request, {
      minLength: 2,
      maxLength: 60,
      selector: (given) => JSON.stringify(given),
    });
    fc.assert(
      fc.property(requests, (given) => {
        expect(new Set(given.map(fetchJobId)).size).toBe(given.length);
      }),
      { numRuns: 50 },
    );
  });

  it('is one that BullMQ takes: without colons and no whole number', () => {
    fc.assert(
      fc.property(request, (given) => {
        const id = fetchJobId(given);
        expect(id).toMatch(/^[0-9a-zA-Z_]+$/);
        expect(String(Number.parseInt(id, 10))).not.toBe(id);
        expect(Number.isNaN(Number(id))).toBe(true);
      }),
    );
  });
});

describe('priorities', () => {
  it('let the more urgent lane go first: smaller numbers, from 1', () => {
    expect(Object.fromEntries(lanes.map((lane) => [lane, priorityOf(lane)]))).toEqual({
      live: 1,
      repair: 2,
      lookback: 3,
      history: 4,
      audit: 5,
    });
  });
});

describe('a plan job', () => {
  it('names a task, of whose windows the newest are meant unless it says otherwise', () => {
    expect(planJobSchema.parse({ task: '1h' })).toEqual({ task: '1h', older: false });
    expect(planJobSchema.parse({ task: '1h', older: true })).toEqual({ task: '1h', older: true });
  });

  it.each([{}, { task: 1 }, { task: '1h', older: 'yes' }, null])('is not %j', (data) => {
    expect(planJobSchema.safeParse(data).success).toBe(false);
  });
});
