import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type TagCode, tagCodes } from '../../src/catalog/index.ts';
import { newestDay, tagRequests } from '../../src/planning/tags.ts';
import { allTokens, day, newYear, tokens } from './arbitraries.ts';

const interval = { start: newYear, end: newYear + day };
const tags = fc.shuffledSubarray<TagCode>([...tagCodes], { minLength: 1 });

describe('the newest day', () => {
  it('is the last Beijing day that has been over for the settle delay', () => {
    const now = fc.integer({ min: newYear, max: newYear + 400 * day });
    fc.assert(
      fc.property(now, fc.nat({ max: 2 * day }), (instant, delay) => {
        const { start, end } = newestDay(instant, delay, '00:00');
        expect(end - start).toBe(day);
        expect(new Date(end).toISOString().slice(11)).toBe('16:00:00.000Z');
        expect(end + delay <= instant && instant < end + day + delay).toBe(true);
      }),
    );
  });
});

describe('tag requests', () => {
  const gap = fc.record({ tokens: tokens(200), metrics: tags, interval: fc.constant(interval) });
  const unit = fc.constantFrom<('value' | 'row')[]>('value', 'row');

  it('ask for each tag of each token exactly once', () => {
    fc.assert(
      fc.property(gap, fc.integer({ min: 1, max: 3000 }), unit, (missing, recordLimit, recordUnit) => {
        const asked = tagRequests([missing], { recordLimit, recordUnit }).flatMap((request) =>
          request.tokens.flatMap((token) => request.tags.map((tag) => `${token} ${tag}`)),
        );
        const expected = missing.tokens.flatMap((token) => missing.metrics.map((tag) => `${token} ${tag}`));
        expect(asked.sort()).toEqual(expected.sort());
      }),
    );
  });

  it('keep within any limit that has room for all tags of a token and the metric that comes along', () => {
    fc.assert(
      fc.property(gap, fc.integer({ min: 7, max: 3000 }), unit, (missing, recordLimit, recordUnit) => {
        const records = tagRequests([missing], { recordLimit, recordUnit }).map(
          ({ tokens, tags }) => tokens.length * (recordUnit === 'row' ? 1 : tags.length + 1),
        );
        expect(Math.max(...records)).toBeLessThanOrEqual(recordLimit);
      }),
      { numRuns: 300 },
    );
  });

  it('ask for six tags of 200 tokens in one request of the day they are wanted for', () => {
    const requests = tagRequests([{ tokens: allTokens, metrics: tagCodes, interval }], {
      recordLimit: 2000,
      recordUnit: 'value',
    });
    expect(requests).toEqual([
      { granularity: '1d', tokens: allTokens, metrics: [], tags: tagCodes, interval },
    ]);
  });

  it('are none where no tag is missing', () => {
    expect(tagRequests([], { recordLimit: 2000, recordUnit: 'value' })).toEqual([]);
  });
});
