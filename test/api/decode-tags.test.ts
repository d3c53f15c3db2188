import { describe, expect, it } from 'vitest';
import { type Asked, decodeAnswer } from '../../src/api/decode.ts';
import { ApiFailure } from '../../src/api/failure.ts';
import { decodeTokens } from '../../src/api/token-list.ts';
import { asToken } from '../../src/catalog/index.ts';

const midnight = Date.UTC(2024, 11, 31, 16);

const asked: Asked = {
  granularity: '1d',
  tokens: ['BTC', 'ETH'].map(asToken),
  metrics: [],
  tags: ['CO-B-01-04', 'CO-B-03-01'],
  interval: { start: midnight, end: midnight + 86_400_000 },
};

function decodeTags(...tags: readonly unknown[]) {
  const { tags: found, rejects, values } = decodeAnswer([{ token: 'BTC', tags }], asked);
  return { tags: Object.fromEntries(found.map(({ tag, value }) => [tag, value])), rejects, values };
}

describe('tags', () => {
  it.each([{ tags: [] }, { tags: {} }, { tags: null }])('may be none at all: %j', ({ tags }) => {
    const answer = decodeAnswer([{ token: 'BTC', endPoints: [], tags }], asked);
    expect(answer).toMatchObject({ tags: [], rejects: [], values: 0 });
  });

  const found = { tags: { 'CO-B-01-04': 'DeFi', 'CO-B-03-01': 'large' }, rejects: [], values: 2 };

  it.each(['tag', 'endpoint', 'code'])('come as a flat list that names them by %s', (name) => {
    expect(
      decodeTags({ [name]: 'CO-B-01-04', value: 'DeFi' }, { [name]: 'CO-B-03-01', value: 'large' }),
    ).toEqual(found);
  });

  it.each(['tag', 'endpoint', 'code'])('come as windows like those of the metrics, named by %s', (name) => {
    const window = (code: string, value: string) => ({
      startTime: '2025-01-01 00:00:00',
      endTime: '2025-01-02 00:00:00',
      data: [{ [name]: code, value }],
    });
    expect(decodeTags(window('CO-B-01-04', 'DeFi'), window('CO-B-03-01', 'large'))).toEqual(found);
  });

  it('come beside the values, for each token its own', () => {
    const answer = decodeAnswer(
      [
        { token: 'BTC', endPoints: [], tags: [{ tag: 'CO-B-01-04', value: 'Payments' }] },
        { token: 'ETH', tags: [{ tag: 'CO-B-01-04', value: 'Smart contracts' }] },
      ],
      asked,
    );
    expect(answer.tags).toEqual([
      { token: 'BTC', tag: 'CO-B-01-04', value: 'Payments' },
      { token: 'ETH', tag: 'CO-B-01-04', value: 'Smart contracts' },
    ]);
  });

  it.each([
    ['Layer 1, 智能合约', 'Layer 1, 智能合约'],
    [' spaced ', ' spaced '],
    [{ primary: 'DeFi', secondary: ['DEX'] }, '{"primary":"DeFi","secondary":["DEX"]}'],
    [['a', 1], '["a",1]'],
    [0, '0'],
    [false, 'false'],
    ['{"already":"text"}', '{"already":"text"}'],
  ])('keep %j as %s', (value, text) => {
    expect(decodeTags({ tag: 'CO-B-01-04', value })).toEqual({
      tags: { 'CO-B-01-04': text },
      rejects: [],
      values: 1,
    });
  });

  it.each([[''], [null], [undefined]])('have no value yet where they hold %j', (value) => {
    expect(decodeTags({ tag: 'CO-B-01-04', value })).toEqual({ tags: {}, rejects: [], values: 1 });
  });

  it('that nobody asked for are counted and dropped without a word', () => {
    expect(decodeTags({ tag: 'CO-B-01-01', value: 'whale' })).toEqual({ tags: {}, rejects: [], values: 1 });
  });

  it('that come twice keep the first value; another one is rejected, and no gap erases it', () => {
    const given = ['first', 'first', 'second', ''].map((value) => ({ tag: 'CO-B-01-04', value }));
    expect(decodeTags(...given)).toMatchObject({
      tags: { 'CO-B-01-04': 'first' },
      rejects: [{ reason: 'second value', part: 'tag', raw: { value: 'second' } }],
      values: 4,
    });
  });

  it('of several windows are those of the newest, in whatever order the windows come', () => {
    const at = (hour: number, value: string) => ({
      startTime: `2025-01-01 0${hour}:00:00`,
      data: [{ tagCode: 'CO-B-01-04', tagValue: value }],
    });
    for (const given of [
      [at(0, 'old'), at(2, 'new')],
      [at(2, 'new'), at(0, 'old')],
    ])
      expect(decodeTags(...given)).toMatchObject({ tags: { 'CO-B-01-04': 'new' }, rejects: [] });
  });

  it.each([
    [[{ 'CO-B-01-04': 'DeFi' }]],
    [{ 'CO-B-01-04': 'DeFi' }],
    [[{ startTime: '2025-01-01 00:00:00', data: { 'CO-B-01-04': 'DeFi' } }]],
    [[{ name: 'CO-B-01-04', value: 'DeFi' }]],
  ])('are read from %j', (tags) => {
    const answer = decodeAnswer([{ token: 'BTC', tags }], asked);
    expect(answer).toMatchObject({ tags: [{ token: 'BTC', tag: 'CO-B-01-04', value: 'DeFi' }], rejects: [] });
  });

  it('are rejected where their value is longer than any label', () => {
    expect(decodeTags({ tag: 'CO-B-01-04', value: 'x'.repeat(10_001) })).toMatchObject({
      tags: {},
      rejects: [{ reason: 'malformed', part: 'tag' }],
    });
  });
});

describe('the token list', () => {
  it('is read from texts', () => {
    expect(decodeTokens(['BTC', ' ETH ', '1INCH'])).toEqual([
      { token: 'BTC', name: 'BTC' },
      { token: 'ETH', name: 'ETH' },
      { token: '1INCH', name: '1INCH' },
    ]);
  });

  it.each(['token', 'symbol', 'coin', 'coinSymbol', 'tokenSymbol', 'code'])(
    'is read from objects that name the token by %s',
    (key) => {
      expect(
        decodeTokens([{ [key]: 'BTC', name: 'Bitcoin' }, { [key]: 'ETH' }, { [key]: 'XRP', name: '' }]),
      ).toEqual([
        { token: 'BTC', name: 'Bitcoin' },
        { token: 'ETH', name: 'ETH' },
        { token: 'XRP', name: 'XRP' },
      ]);
    },
  );

  it('leaves out what is no token and keeps the rest, each once', () => {
    const given = [
      'BTC',
      null,
      7,
      '',
      'two words',
      'a,b',
      'x'.repeat(41),
      {},
      { token: 5 },
      ['ETH'],
      { coin: 'SOL' },
      'BTC',
    ];
    expect(decodeTokens(given).map(({ token }) => token)).toEqual(['BTC', 'SOL']);
  });

  it('names a token by its ticker where its name cannot be stored', () => {
    expect(
      decodeTokens([
        { token: 'BTC', name: 'Bit\0coin' },
        { token: 'ETH', name: 5 },
        { token: 'SOL', name: 'S'.repeat(201) },
      ]),
    ).toEqual([
      { token: 'BTC', name: 'BTC' },
      { token: 'ETH', name: 'ETH' },
      { token: 'SOL', name: 'SOL' },
    ]);
  });

  it('is no list of tokens where it names ten thousand and more: each would get a ledger', () => {
    const names = (count: number) => Array.from({ length: count }, (_, number) => `T${number}`);
    expect(decodeTokens(names(10_000))).toHaveLength(10_000);
    expect(() => decodeTokens(names(10_001))).toThrow(
      expect.objectContaining({
        kind: 'transient',
        message: 'the token list names more than 10000 tokens',
      }),
    );
  });

  it.each(['list', 'tokens'])('is read from a list under %s', (name) => {
    expect(decodeTokens({ [name]: ['BTC'] })).toEqual([{ token: 'BTC', name: 'BTC' }]);
  });

  it.each([null, {}, 'BTC', { names: ['BTC'] }, [], [null], ['']])(
    'is a transient failure where it is %j',
    (answer) => {
      let thrown: unknown;
      try {
        decodeTokens(answer);
      } catch (error) {
        thrown = error;
      }
      expect(thrown).toBeInstanceOf(ApiFailure);
      expect(thrown).toMatchObject({ kind: 'transient', code: 200 });
    },
  );
});
