import { describe, expect, it } from 'vitest';
import { type AnswerPart, type Asked, decodeAnswer, type RejectReason } from '../../src/api/decode.ts';
import { asToken, metricCodes } from '../../src/catalog/index.ts';

const hour = 3_600_000;
/** 2025-01-01 00:00 in Beijing. */
const midnight = Date.UTC(2024, 11, 31, 16);

const asked: Asked = {
  granularity: '1h',
  tokens: ['BTC', 'ETH'].map(asToken),
  metrics: ['CO-A-01-05', 'CO-A-02-03'],
  tags: ['CO-B-01-04'],
  interval: { start: midnight, end: midnight + 4 * hour },
};

const good = { endpoint: 'CO-A-01-05', value: 42 };
const goodWindow = { startTime: '2025-01-01 01:00:00', data: [good] };
const goodTag = { tag: 'CO-B-01-04', value: 'DeFi' };

interface Where {
  readonly token?: string;
  readonly time?: number;
  readonly metric?: string;
}
type Case = readonly [name: string, raw: unknown, reason: RejectReason, where: Where];

const at = (hours: number) => ({ token: 'BTC', time: midnight + hours * hour });

const badEntries: readonly Case[] = [
  ['nothing', null, 'malformed', {}],
  ['a text', 'BTC', 'malformed', {}],
  ['a list', ['BTC'], 'malformed', {}],
  ['no token', { endPoints: [] }, 'malformed', {}],
  ['a token that is a number', { token: 1, endPoints: [] }, 'malformed', {}],
  ['windows that are no list', { token: 'BTC', endPoints: {} }, 'malformed', { token: 'BTC' }],
  ['another token', { token: 'DOGE', endPoints: [goodWindow] }, 'token not asked for', { token: 'DOGE' }],
  ['a token in another case', { token: 'btc', timePeriods: [] }, 'token not asked for', { token: 'btc' }],
  ['no ticker at all', { token: 'B T\0C' }, 'token not asked for', { token: 'B T\0C' }],
];

const badWindows: readonly Case[] = [
  ['nothing', null, 'malformed', { token: 'BTC' }],
  ['a number', 7, 'malformed', { token: 'BTC' }],
  ['no data', { startTime: '2025-01-01 00:00:00' }, 'malformed', { token: 'BTC' }],
  ['data that is no list', { startTime: '2025-01-01 00:00:00', data: {} }, 'malformed', { token: 'BTC' }],
  ['no start', { data: [good] }, 'malformed', { token: 'BTC' }],
  ['a start that is a number', { startTime: midnight, data: [good] }, 'malformed', { token: 'BTC' }],
  [
    'a day that does not exist',
    { startTime: '2025-02-30 00:00:00', data: [good] },
    'malformed',
    { token: 'BTC' },
  ],
  [
    'a start off the grid',
    { startTime: '2025-01-01 00:30:00', data: [good] },
    'window off the grid',
    at(0.5),
  ],
];

const badValues: readonly Case[] = [
  ['nothing', null, 'malformed', at(2)],
  ['a number', 3, 'malformed', at(2)],
  ['no metric', { value: 3 }, 'malformed', at(2)],
  ['a metric that is a number', { endpoint: 10105, value: 3 }, 'malformed', at(2)],
  [
    'an unknown metric',
    { endpoint: 'CO-A-99-99', value: 3 },
    'unknown metric',
    { ...at(2), metric: 'CO-A-99-99' },
  ],
  [
    'a metric in another case',
    { endpoint: 'co-a-01-05', value: 3 },
    'unknown metric',
    { ...at(2), metric: 'co-a-01-05' },
  ],
  [
    'a metric nobody asked for',
    { endpoint: 'CO-A-01-01', value: 3 },
    'metric not asked for',
    { ...at(2), metric: 'CO-A-01-01' },
  ],
  ...[
    'abc',
    'NaN',
    'Infinity',
    '1,5',
    '0x10',
    '1e999',
    '1 2',
    '--1',
    '1_000',
    '.',
    true,
    false,
    {},
    [],
    [1],
    Number.POSITIVE_INFINITY,
  ].map(
    (value): Case => [
      `the value ${String(value)} as ${typeof value}`,
      { endpoint: 'CO-A-02-03', value },
      'no finite number',
      { ...at(2), metric: 'CO-A-02-03' },
    ],
  ),
  ...['12345678901234567890', '0.1234567890123456789', '9007199254740993', '1e-999'].map(
    (value): Case => [
      `the value ${value}, which a double would round`,
      { endpoint: 'CO-A-02-03', value },
      'more digits than can be kept',
      { ...at(2), metric: 'CO-A-02-03' },
    ],
  ),
  ...[
    ['CO-A-02-03', '1.7e308'],
    ['CO-A-02-03', -1e300],
    ['CO-A-02-03', 1e7],
    ['CO-A-02-03', 5e-324],
    ['CO-A-01-05', '1e16'],
  ].map(
    ([endpoint, value]): Case => [
      `${value} of ${endpoint}, which its kind cannot be`,
      { endpoint, value },
      'impossible value',
      { ...at(2), metric: String(endpoint) },
    ],
  ),
];

const badTags: readonly Case[] = [
  ['nothing', null, 'malformed', { token: 'BTC' }],
  ['a text', 'DeFi', 'malformed', { token: 'BTC' }],
  ['no code', { value: 'DeFi' }, 'malformed', { token: 'BTC' }],
  ['a code that is a number', { tag: 1, value: 'DeFi' }, 'malformed', { token: 'BTC' }],
  [
    'an unknown tag',
    { tag: 'CO-B-99-99', value: 'x' },
    'unknown tag',
    { token: 'BTC', metric: 'CO-B-99-99' },
  ],
  [
    'a NUL, which no text column holds',
    { tag: 'CO-B-01-04', value: 'a\0b' },
    'malformed',
    { token: 'BTC', metric: 'CO-B-01-04' },
  ],
  [
    'half a character',
    { tag: 'CO-B-01-04', value: '\ud800' },
    'malformed',
    { token: 'BTC', metric: 'CO-B-01-04' },
  ],
];

/** Decodes good things around a bad one, and expects all of the good ones to be there. */
function rejectsOf(entries: readonly unknown[]) {
  const answer = decodeAnswer(entries, asked);
  const mentions = metricCodes.indexOf('CO-A-01-05');
  expect(answer.rows.filter(({ values }) => values[mentions] === 42).map(({ token }) => token)).toEqual(
    expect.arrayContaining(['BTC', 'ETH']),
  );
  expect(answer.tags).toEqual([{ token: 'BTC', tag: 'CO-B-01-04', value: 'DeFi' }]);
  return answer.rejects;
}

const reject = (part: AnswerPart, raw: unknown, reason: RejectReason, { token, time, metric }: Where) => ({
  reason,
  part,
  token,
  time,
  metric,
  raw,
});

describe('what does not fit', () => {
  const btc = { token: 'BTC', endPoints: [goodWindow], tags: [goodTag] };
  const eth = { token: 'ETH', timePeriods: [goodWindow] };

  it.each(badEntries)('as an entry: %s', (_, raw, reason, where) => {
    expect(rejectsOf([btc, raw, eth])).toEqual([reject('entry', raw, reason, where)]);
  });

  it.each(badWindows)('as a window: %s', (_, raw, reason, where) => {
    const entry = { ...btc, endPoints: [raw, goodWindow] };
    expect(rejectsOf([entry, eth])).toEqual([reject('window', raw, reason, where)]);
  });

  it.each(badValues)('as a value: %s', (_, raw, reason, where) => {
    const window = { startTime: '2025-01-01 02:00:00', data: [good, raw, good] };
    expect(rejectsOf([{ ...btc, endPoints: [window] }, eth])).toEqual([reject('value', raw, reason, where)]);
  });

  it.each(badTags)('as a tag: %s', (_, raw, reason, where) => {
    expect(rejectsOf([{ ...btc, tags: [goodTag, raw] }, eth])).toEqual([reject('tag', raw, reason, where)]);
  });

  it('as tags: no list', () => {
    const entries = [btc, { ...eth, tags: 'none' }];
    expect(rejectsOf(entries)).toEqual([
      reject('entry', { token: 'ETH', tags: 'none' }, 'malformed', { token: 'ETH' }),
    ]);
  });

  it('as one of two lists of windows: no list', () => {
    const entries = [{ ...btc, timePeriods: 7 }, eth];
    expect(rejectsOf(entries)).toEqual([
      reject('entry', { token: 'BTC', timePeriods: 7 }, 'malformed', { token: 'BTC' }),
    ]);
  });

  it('all at once, each with its own reason', () => {
    const window = { startTime: '2025-01-01 02:00:00', data: badValues.map(([, raw]) => raw) };
    const windows = [...badWindows.map(([, raw]) => raw), window, goodWindow];
    const tags = [...badTags.map(([, raw]) => raw), goodTag];
    const entries = [...badEntries.map(([, raw]) => raw), { token: 'BTC', endPoints: windows, tags }, eth];
    const expected = (part: AnswerPart, cases: readonly Case[]) =>
      cases.map(([, raw, reason, where]) => reject(part, raw, reason, where));
    expect(rejectsOf(entries)).toEqual([
      ...expected('entry', badEntries),
      ...expected('window', badWindows),
      ...expected('value', badValues),
      ...expected('tag', badTags),
    ]);
  });

  it('fills the answer like anything else: it is counted', () => {
    const window = { startTime: '2025-01-01 09:00:00', data: [good, good, null] };
    const answer = decodeAnswer(
      [
        { token: 'DOGE', endPoints: [window, window] },
        { token: 'BTC', endPoints: [window, 7] },
      ],
      asked,
    );
    expect(answer).toMatchObject({ values: 9, windows: 4, absentCells: 16, rows: [] });
  });
});
