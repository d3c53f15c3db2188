import fc from 'fast-check';
import type { Asked } from '../../src/api/decode.ts';
import { formatBeijing } from '../../src/beijing.ts';
import { asToken, granularities, metricCodes, tagCodes } from '../../src/catalog/index.ts';
import { lengthOf, newYear } from '../planning/arbitraries.ts';
import { randomFrom } from '../support/mutations.ts';

/** A question and an answer to it in one of the shapes that the API uses, every cell with a value. */
export interface Answered {
  readonly asked: Asked;
  /** One entry for each token that was asked for, in that order. */
  readonly entries: readonly Readonly<Record<string, unknown>>[];
}

const choices = fc.record({
  granularity: fc.constantFrom(...granularities),
  tokens: fc.subarray(['BTC', 'ETH', '1INCH', 'NEIROETH'].map(asToken), { minLength: 1 }),
  metrics: fc.subarray([...metricCodes], { minLength: 1, maxLength: 4 }),
  tags: fc.subarray([...tagCodes], { maxLength: 2 }),
  windows: fc.integer({ min: 1, max: 3 }),
  list: fc.constantFrom('endPoints', 'timePeriods', 'endpoints'),
  tagKey: fc.constantFrom('tag', 'endpoint', 'code'),
  tagsInWindows: fc.boolean(),
  seed: fc.integer(),
});

/** Small answers: what is wrong with a large one is wrong with a small one, too. */
export const answered: fc.Arbitrary<Answered> = choices.map((chosen) => {
  const { granularity, tokens, metrics, tags, windows } = chosen;
  const length = lengthOf[granularity];
  const random = randomFrom(chosen.seed);
  const starts = Array.from({ length: windows }, (_, number) => newYear + number * length);
  const times = (start: number) => ({
    startTime: formatBeijing(start),
    endTime: formatBeijing(start + length),
  });
  const value = () => {
    const number = random() < 0.5 ? Math.floor(random() * 1e6) : random() * 2 - 1;
    return random() < 0.5 ? number : String(number);
  };
  const entries = tokens.map((token) => {
    const labels = tags.map((tag) => ({ [chosen.tagKey]: tag, value: `label ${random()}` }));
    return {
      token,
      timeType: granularity,
      [chosen.list]: starts.map((start) => ({
        ...times(start),
        data: metrics.map((endpoint) => ({ endpoint, value: value() })),
      })),
      tags: chosen.tagsInWindows ? [{ ...times(newYear), data: labels }] : labels,
    };
  });
  const interval = { start: newYear, end: newYear + windows * length };
  return { asked: { granularity, tokens, metrics, tags, interval }, entries };
});
