import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Answer, type Asked, decodeAnswer } from '../../src/api/decode.ts';
import { ApiFailure } from '../../src/api/failure.ts';
import { asToken, type MetricCode, metricCodes } from '../../src/catalog/index.ts';

const hour = 3_600_000;
/** 2025-01-01 00:00 in Beijing. */
const midnight = Date.UTC(2024, 11, 31, 16);

const asked: Asked = {
  granularity: '1h',
  tokens: ['BTC', 'ETH', '1INCH'].map(asToken),
  metrics: ['CO-A-01-05', 'CO-A-02-03', 'CO-A-01-01'],
  tags: [],
  interval: { start: midnight, end: midnight + 4 * hour },
};

const beijing = (hours: number) => `2025-01-01 ${String(hours).padStart(2, '0')}:00:00`;

/** One window of an answer: `{metric: value}`. */
function window(at: number, values: Readonly<Record<string, unknown>>) {
  return {
    startTime: beijing(at),
    endTime: beijing(at + 1),
    data: Object.entries(values).map(([endpoint, value]) => ({ endpoint, value })),
  };
}

function decodeWindows(...endPoints: readonly unknown[]): Answer {
  return decodeAnswer([{ token: 'BTC', timeType: '1h', endPoints, tags: [] }], asked);
}

/** Values by `TOKEN hour metric`; cells without a value are left out. */
function valuesOf(answer: Answer): Record<string, number> {
  const found: Record<string, number> = {};
  for (const { token, time, values } of answer.rows) {
    expect(values).toHaveLength(metricCodes.length);
    for (const [position, value] of values.entries()) {
      if (value !== null) found[`${token} ${(time - midnight) / hour} ${metricCodes[position]}`] = value;
    }
  }
  return found;
}

/** Any double that a metric of every kind may be. */
const possible = fc
  .double({ noNaN: true, min: -1e6, max: 1e6 })
  .map((value) => (Math.abs(value) < 1e-30 ? 0 : value));

const cell = fc.record({
  token: fc.constantFrom('BTC', 'ETH', '1INCH'),
  hour: fc.nat({ max: 3 }),
  metric: fc.constantFrom<MetricCode[]>(...asked.metrics),
  value: fc.oneof(
    fc.record({ number: possible, asText: fc.boolean() }),
    fc.record({ number: fc.integer({ min: -2, max: 2 }), asText: fc.boolean() }),
    fc.constantFrom('', null, ' '),
  ),
});
const cells = fc.uniqueArray(cell, {
  maxLength: 36,
  selector: ({ token, hour: at, metric }) => `${token} ${at} ${metric}`,
});
const listNames = fc.array(fc.constantFrom('endPoints', 'timePeriods', 'endpoints'), {
  minLength: 3,
  maxLength: 3,
});

describe('an answer', () => {
  it('gives the same values in every shape that the API uses, in any order', () => {
    fc.assert(
      fc.property(cells, listNames, (given, names) => {
        const expected: Record<string, number> = {};
        const byToken = new Map<string, Map<number, { endpoint: string; value: unknown }[]>>();
        for (const { token, hour: at, metric, value } of given) {
          const hasNumber = typeof value === 'object' && value !== null;
          if (hasNumber) expected[`${token} ${at} ${metric}`] = value.number;
          const windows = byToken.get(token) ?? new Map<number, { endpoint: string; value: unknown }[]>();
          const data = windows.get(at) ?? [];
          const sent = hasNumber ? (value.asText ? String(value.number) : value.number) : value;
          data.push({ endpoint: metric, value: sent });
          byToken.set(token, windows.set(at, data));
        }
        const sent = Array.from(byToken, ([token, windows], index) => ({
          token,
          [names[index] ?? 'endPoints']: Array.from(windows, ([at, data]) => ({
            startTime: beijing(at),
            data,
          })),
        }));
        const answer = decodeAnswer(JSON.parse(JSON.stringify(sent)), asked);
        // Neither JSON nor a double's text keeps the sign of zero; nor does it mean anything here.
        const unsigned = (values: Record<string, number>) =>
          Object.fromEntries(Object.entries(values).map(([key, value]) => [key, value + 0]));
        expect(unsigned(valuesOf(answer))).toEqual(unsigned(expected));
        expect(answer.rejects).toEqual([]);
        expect(answer.values).toBe(given.length);
        expect(answer.windows).toBe(
          sent.reduce((sum, { token }) => sum + (byToken.get(token)?.size ?? 0), 0),
        );
        expect(answer.absentCells).toBe(3 * 3 * 4 - given.length);
      }),
      { numRuns: 300 },
    );
  });

  it('reads the vendor’s own examples: newest window first, values as texts, none yet as an empty text', () => {
    const answer = decodeAnswer(
      [
        {
          token: 'BTC',
          startTime: '2025-01-01 00:00:00',
          endTime: '2025-01-01 04:00:00',
          timeType: '1h',
          timePeriods: [
            {
              startTime: '2025-01-01 03:00:00',
              endTime: '2025-01-01 04:00:00',
              data: [{ endpoint: 'CO-A-01-05', value: '' }],
            },
            {
              startTime: '2025-01-01 02:00:00',
              endTime: '2025-01-01 03:00:00',
              data: [{ endpoint: 'CO-A-01-05', value: '1234' }],
            },
            {
              startTime: '2025-01-01 01:00:00',
              endTime: '2025-01-01 02:00:00',
              data: [{ endpoint: 'CO-A-02-03', value: '-0.25' }],
            },
          ],
        },
      ],
      asked,
    );
    expect(valuesOf(answer)).toEqual({ 'BTC 2 CO-A-01-05': 1234, 'BTC 1 CO-A-02-03': -0.25 });
    expect(answer).toMatchObject({ values: 3, windows: 3, absentCells: 33, rejects: [], tags: [] });
  });

  it.each([0, '0', '0.0', '-0', '0e5', '+0', '.0'])(
    'keeps zero, sent as %j, as zero and not as no value',
    (zero) => {
      const { rows, rejects } = decodeWindows(window(0, { 'CO-A-01-05': zero }));
      expect(rows.map(({ values }) => values[metricCodes.indexOf('CO-A-01-05')] === 0)).toEqual([true]);
      expect(rejects).toEqual([]);
    },
  );

  it.each<[unknown, number]>([
    [' 1.5 ', 1.5],
    ['1e-3', 0.001],
    ['2E+2', 200],
    ['+7', 7],
    ['.5', 0.5],
    ['5.', 5],
    ['007', 7],
    ['-12.25', -12.25],
    ['0.12345678901234568', 0.12345678901234568],
    [9_876_543_210, 9_876_543_210],
  ])('reads %j as %d', (value, number) => {
    expect(valuesOf(decodeWindows(window(1, { 'CO-A-01-05': value })))).toEqual({
      'BTC 1 CO-A-01-05': number,
    });
  });

  it('takes a cell without a value as answered, and one it does not mention as absent', () => {
    const answer = decodeWindows(
      window(0, { 'CO-A-01-05': '', 'CO-A-02-03': null, 'CO-A-01-01': undefined }),
    );
    expect(valuesOf(answer)).toEqual({});
    expect(answer).toMatchObject({ values: 3, windows: 1, absentCells: 33, rejects: [] });
    expect(decodeAnswer([], asked)).toEqual({
      rows: [],
      tags: [],
      rejects: [],
      values: 0,
      windows: 0,
      absentCells: 36,
      windowsBeside: 0,
      moreRejects: 0,
    });
    // The API says so as well.
    expect(decodeAnswer(null, asked)).toEqual(decodeAnswer([], asked));
  });

  it('drops a window beside the range, and counts it', () => {
    const answer = decodeWindows(...[0, 4, 5].map((at) => window(at, { 'CO-A-01-05': at })));
    expect(valuesOf(answer)).toEqual({ 'BTC 0 CO-A-01-05': 0 });
    expect(answer).toMatchObject({ windowsBeside: 2, windows: 3, values: 3, rejects: [] });
  });

  it('takes the first value of a cell that comes twice, counts it as one cell, and lets no gap erase it', () => {
    const answer = decodeWindows(
      window(0, { 'CO-A-01-05': 1 }),
      window(0, { 'CO-A-01-05': 2, 'CO-A-02-03': 0.5 }),
      window(0, { 'CO-A-01-05': '', 'CO-A-02-03': 'soon' }),
    );
    expect(answer.rows).toHaveLength(1);
    expect(valuesOf(answer)).toEqual({ 'BTC 0 CO-A-01-05': 1, 'BTC 0 CO-A-02-03': 0.5 });
    expect(answer).toMatchObject({ values: 5, windows: 3, absentCells: 34 });
    expect(answer.rejects).toMatchObject([
      { reason: 'second value', metric: 'CO-A-01-05' },
      { reason: 'no finite number', metric: 'CO-A-02-03' },
    ]);
  });

  it('puts a token that comes in two entries together', () => {
    const entries = [
      { token: 'ETH', endPoints: [window(0, { 'CO-A-01-05': 1 })] },
      { token: 'ETH', timePeriods: [window(0, { 'CO-A-01-01': 2 })] },
    ];
    const answer = decodeAnswer(entries, asked);
    expect(answer.rows).toHaveLength(1);
    expect(valuesOf(answer)).toEqual({ 'ETH 0 CO-A-01-05': 1, 'ETH 0 CO-A-01-01': 2 });
  });

  it('is read from every list of windows that an entry has', () => {
    const entry = {
      token: 'ETH',
      endPoints: [],
      timePeriods: [window(0, { 'CO-A-01-05': 1 }), window(1, { 'CO-A-01-05': 2 })],
      endpoints: [window(1, { 'CO-A-01-01': 3 })],
    };
    const answer = decodeAnswer([entry], asked);
    expect(valuesOf(answer)).toEqual({
      'ETH 0 CO-A-01-05': 1,
      'ETH 1 CO-A-01-05': 2,
      'ETH 1 CO-A-01-01': 3,
    });
    expect(answer).toMatchObject({ values: 3, windows: 3, rejects: [] });
  });

  it.each([undefined, {}, { list: [] }, 'BTC', 7, true])('is a transient failure where it is %j', (whole) => {
    let thrown: unknown;
    try {
      decodeAnswer(whole, asked);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(ApiFailure);
    expect(thrown).toMatchObject({ kind: 'transient', code: 200 });
  });
});
