import { describe, expect, it } from 'vitest';
import { type Asked, decodeAnswer } from '../../src/api/decode.ts';
import { ApiFailure } from '../../src/api/failure.ts';
import { parseJson } from '../../src/api/json.ts';
import { asToken } from '../../src/catalog/index.ts';
import { expectQuick } from '../support/processor-time.ts';

/** 2025-01-01 00:00 in Beijing. */
const midnight = Date.UTC(2024, 11, 31, 16);

const asked: Asked = {
  granularity: '1h',
  tokens: ['BTC', 'ETH'].map(asToken),
  metrics: ['CO-A-01-05', 'CO-A-02-03'],
  tags: ['CO-B-01-04'],
  interval: { start: midnight, end: midnight + 4 * 3_600_000 },
};

const startTime = '2025-01-01 00:00:00';

describe('nesting', () => {
  it.each([
    '{"data":[%]}',
    '{"tag":"CO-B-01-04","value":%}',
    '{"tag":"CO-B-01-04","value":[%]}',
    '[%]',
    '{"value":%}',
  ])('absurdly deep as %s is a transient failure and overflows no stack', (shape) => {
    const [before = '', after = ''] = shape.split('%');
    const deep = `${before.repeat(50_000)}null${after.repeat(50_000)}`;
    const places = [
      `[${deep}]`,
      `[{"token":"BTC","tags":[${deep}]}]`,
      `[{"token":"BTC","endPoints":[${deep}]}]`,
    ];
    for (const place of places) {
      expect(() => decodeAnswer(parseJson(place, 200), asked)).toThrow(ApiFailure);
    }
  });

  it('a dozen levels deep in a tag is kept', () => {
    const value: unknown = JSON.parse(`${'[{"a":'.repeat(12)}1${'}]'.repeat(12)}`);
    const answer = decodeAnswer([{ token: 'BTC', tags: [{ tag: 'CO-B-01-04', value }] }], asked);
    expect(answer.tags.map((tag) => JSON.parse(tag.value))).toEqual([value]);
  });
});

describe('a text of 300,000 characters', () => {
  const length = 300_000;
  const texts = ['1', '1.', '1e', ' ', '0', '-', 'é', '2025-01-01 00:00:00.0'].map(
    (piece) => `${piece.repeat(length / piece.length)}x`,
  );

  /** Puts the text in a place. */
  const places: readonly (readonly [string, (text: string) => unknown])[] = [
    ['a value', (value) => ({ endPoints: [{ startTime, data: [{ endpoint: 'CO-A-01-05', value }] }] })],
    ['a metric', (endpoint) => ({ endPoints: [{ startTime, data: [{ endpoint, value: 1 }] }] })],
    ['a time', (text) => ({ endPoints: [{ startTime: text, data: [] }] })],
    ['a tag', (tag) => ({ tags: [{ tag, value: 'x' }] })],
  ];

  it.each(places)('as %s is rejected, and in no time', (_, place) => {
    for (const text of texts) {
      const { rejects } = expectQuick(() => decodeAnswer([{ token: 'BTC', ...Object(place(text)) }], asked));
      expect(rejects).toHaveLength(1);
    }
  });

  it('as a token is rejected, and in no time', () => {
    for (const token of texts) {
      const { rejects } = expectQuick(() => decodeAnswer([{ token, tags: [] }], asked));
      expect(rejects).toMatchObject([{ token }]);
    }
  });
});

describe('things that cannot be stored', () => {
  const items = (count: number) => Array.from({ length: count }, (_, number) => ({ endpoint: `X${number}` }));
  const answerWith = (count: number) => [
    {
      token: 'BTC',
      endPoints: [{ startTime, data: [...items(count), { endpoint: 'CO-A-01-05', value: 7 }] }],
    },
  ];

  it('are kept up to 1,000, and counted beyond that', () => {
    const answer = decodeAnswer(answerWith(100_000), asked);
    expect(answer.rejects).toHaveLength(1000);
    expect(answer.moreRejects).toBe(99_000);
    expect(answer.rows.flatMap(({ values }) => values.filter((value) => value !== null))).toEqual([7]);
  });

  it.each<[string, unknown[]]>([
    ['values', answerWith(100_001)],
    ['windows', [{ token: 'BTC', endPoints: Array(100_001).fill(null) }]],
    ['tags', [{ token: 'BTC', tags: Array(100_001).fill({ tag: 'X' }) }]],
    ['entries', [{ token: 'BTC', tags: [] }, ...Array(100_001).fill({ token: 'X' })]],
  ])('make the whole a transient failure where there are far more %s of them', (_, answer) => {
    expect(() => decodeAnswer(answer, asked)).toThrow(
      expect.objectContaining({
        kind: 'transient',
        code: 200,
        message: 'the answer holds more than 100000 things that cannot be stored',
      }),
    );
  });
});
