import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import {
  apiVersions,
  findMetric,
  findTag,
  granularities,
  isApiVersion,
  isGranularity,
  isMetricCode,
  isTagCode,
  type MetricCode,
  metricCodes,
  metricPosition,
  metrics,
  tagCodes,
  tags,
  windowLength,
} from '../../src/catalog/index.ts';
import { listedMetrics, meaningsDigest } from './listed-metrics.ts';

const listedTags = [
  ['CO-B-01-01', 'market_cap_tier', 'token'],
  ['CO-B-01-03', 'consensus_mechanism', 'token'],
  ['CO-B-01-04', 'ecosystem', 'token'],
  ['CO-B-03-01', 'community_scale', 'community'],
  ['CO-B-03-05', 'speech_distribution', 'community'],
  ['CO-B-03-06', 'active_timezone', 'community'],
] as const;

function digestOf(entries: readonly { readonly code: string; readonly meaning: string }[]): string {
  const lines = entries.map(({ code, meaning }) => `${code}\t${meaning}\n`).join('');
  return createHash('sha256').update(lines).digest('hex');
}

/** The text with every other letter in the other case. */
function mixedCase(text: string): string {
  return [...text].map((letter, index) => (index % 2 ? letter.toUpperCase() : letter.toLowerCase())).join('');
}

describe('the metrics', () => {
  it('are the ones the vendor lists, in this order', () => {
    expect(
      metrics.map(({ code, column, kind, unit, minimum, maximum, versions }) => [
        code,
        column,
        kind,
        unit,
        minimum,
        maximum,
        versions.join(' '),
      ]),
    ).toEqual(listedMetrics);
    expect(metricCodes).toEqual(listedMetrics.map(([code]) => code));
  });

  it('mean what the vendor’s list says, word for word', () => {
    expect(digestOf(metrics)).toBe(meaningsDigest);
  });

  it('have codes and columns of their own, fit to be names in a database', () => {
    expect(new Set(metrics.map(({ code }) => code)).size).toBe(listedMetrics.length);
    expect(new Set(metrics.map(({ column }) => column)).size).toBe(listedMetrics.length);
    for (const { column } of metrics) expect(column).toMatch(/^[a-z][a-z_]{1,62}$/);
  });

  it.each(listedMetrics)('%s is found by code and column in any case', (code, column) => {
    for (const text of [code, column]) {
      for (const spelt of [text, text.toLowerCase(), text.toUpperCase(), mixedCase(text)]) {
        expect(findMetric(spelt)?.code).toBe(code);
      }
    }
  });

  it.each(['', 'CO-A-01-06', 'CO-B-01-01', 'ecosystem', ' mention_rank', 'mention', 'constructor'])(
    'do not include %j',
    (text) => {
      expect(findMetric(text)).toBeUndefined();
      expect(isMetricCode(text)).toBe(false);
    },
  );

  it('have positions in the order of the list', () => {
    expect(metricCodes.map(metricPosition)).toEqual(listedMetrics.map((_, place) => place));
    expect(metricCodes.every(isMetricCode)).toBe(true);
    expect(() => metricPosition('CO-A-99-99' as MetricCode)).toThrow(RangeError);
  });
});

describe('the tags', () => {
  it('are the ones the vendor lists, in this order', () => {
    expect(tags.map(({ code, name, subject }) => [code, name, subject])).toEqual(listedTags);
    expect(tagCodes).toEqual(listedTags.map(([code]) => code));
    expect(digestOf(tags)).toBe('d3b99b543868d4d2d815df7afb66112fc857ed1f04eccbf13e4426491666dd08');
  });

  it.each(listedTags)('%s is found by code and name in any case', (code, name) => {
    for (const text of [code, name]) {
      for (const spelt of [text, text.toLowerCase(), text.toUpperCase(), mixedCase(text)]) {
        expect(findTag(spelt)?.code).toBe(code);
      }
    }
    expect(isTagCode(code)).toBe(true);
  });

  it.each(['', 'CO-B-01-02', 'CO-A-01-01', 'mention_rank', 'co-b-01-01 '])('do not include %j', (text) => {
    expect(findTag(text)).toBeUndefined();
    expect(isTagCode(text)).toBe(false);
  });

  it('share no code or name with the metrics', () => {
    const metricNames = new Set<string>(metrics.flatMap(({ code, column }) => [code, column]));
    expect(tags.filter(({ code, name }) => metricNames.has(code) || metricNames.has(name))).toEqual([]);
  });
});

describe('the granularities', () => {
  it('are four, finest first, each a whole number of the one before', () => {
    expect(granularities.map((granularity) => [granularity, windowLength[granularity] / 60_000])).toEqual([
      ['15m', 15],
      ['1h', 60],
      ['4h', 240],
      ['1d', 1440],
    ]);
  });

  it('are known by the API’s spelling alone', () => {
    expect(granularities.every(isGranularity)).toBe(true);
    expect(['', '1H', '15min', '1w', 'toString', ' 1d'].filter(isGranularity)).toEqual([]);
  });
});

describe('the versions of the API', () => {
  it('are those of the vendor, oldest first, known by the vendor’s spelling alone', () => {
    expect(apiVersions).toEqual(['v1', 'v2', 'v2.1']);
    expect(apiVersions.every(isApiVersion)).toBe(true);
    expect(['', 'V1', '2', 'v99', 'v2.0', 'toString'].filter(isApiVersion)).toEqual([]);
  });
});
