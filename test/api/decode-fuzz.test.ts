import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Asked, decodeAnswer, decodeTokens } from '../../src/api/decode.ts';
import { ApiFailure } from '../../src/api/failure.ts';
import { asToken } from '../../src/catalog/index.ts';

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

describe('arbitrary JSON', () => {
  const key = fc.constantFrom(
    'token',
    'endPoints',
    'timePeriods',
    'endpoints',
    'tags',
    'data',
    'endpoint',
    'tag',
    'code',
    'value',
    'startTime',
    'symbol',
    'coin',
    'name',
    '__proto__',
  );
  const leaf = fc.constantFrom<unknown[]>(
    'BTC',
    'ETH',
    'CO-A-01-05',
    'CO-B-01-04',
    '2025-01-01 01:00:00',
    '7',
    '',
    0,
    1.5,
    Number.POSITIVE_INFINITY,
    null,
    true,
    '\0',
    '\ud800',
  );
  const { node } = fc.letrec((tie) => ({
    node: fc.oneof(
      { depthSize: 'medium', withCrossShrink: true },
      leaf,
      fc.array(tie('node'), { maxLength: 4 }),
      fc.dictionary(key, tie('node'), { maxKeys: 6 }),
    ),
  }));
  const json = fc.oneof(fc.jsonValue(), fc.array(node, { maxLength: 5 }), node);

  const isPlainEntry = (entry: unknown) =>
    typeof entry === 'object' &&
    entry !== null &&
    'token' in entry &&
    typeof entry.token === 'string' &&
    'endPoints' in entry &&
    Array.isArray(entry.endPoints);

  it('never throws anything but a transient failure, and never gives what cannot be stored', () => {
    fc.assert(
      fc.property(json, (answer) => {
        try {
          const { rows, tags, absentCells } = decodeAnswer(answer, asked);
          for (const { token, time, values } of rows) {
            expect(['BTC', 'ETH']).toContain(token);
            expect([0, 1, 2, 3].map((hours) => midnight + hours * hour)).toContain(time);
            expect(values.every((value) => value === null || Number.isFinite(value))).toBe(true);
          }
          for (const { tag, value } of tags) {
            expect(tag).toBe('CO-B-01-04');
            expect(value.isWellFormed() && !value.includes('\0')).toBe(true);
          }
          expect(absentCells >= 0 && absentCells <= 16).toBe(true);
        } catch (error) {
          if (!(error instanceof ApiFailure) || error.kind !== 'transient') throw error;
          // A list is refused as a whole only where no entry of it is one.
          expect(Array.isArray(answer) && answer.some(isPlainEntry)).toBe(false);
        }
      }),
      { numRuns: 3000 },
    );
  });

  it('as a token list never throws anything but a transient failure, and never gives what is no ticker', () => {
    fc.assert(
      fc.property(json, (answer) => {
        try {
          const found = decodeTokens(answer);
          expect(found.length).toBeGreaterThan(0);
          expect(found.every(({ token }) => /^[^\s,]{1,40}$/u.test(token))).toBe(true);
        } catch (error) {
          if (!(error instanceof ApiFailure) || error.kind !== 'transient') throw error;
        }
      }),
      { numRuns: 1000 },
    );
  });
});
