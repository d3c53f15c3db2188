import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type bundledMetrics,
  bundledTokens,
  type Granularity,
  granularities,
  type MetricCode,
  metricCodes,
  metrics,
  windowLength,
} from '../../src/catalog/index.ts';
import { firstWindow, Market } from '../../src/simulator/index.ts';
import { fuzzRuns } from '../support/fuzz.ts';
import { beijing } from './ask.ts';

const minute = 60_000;
const day = 1440 * minute;
const someDay = beijing('2025-06-01');

const mentionCount: MetricCode = 'CO-A-01-05';
const sums: readonly MetricCode[] = ['CO-A-01-03', 'CO-A-01-04', mentionCount];

function startsOf(granularity: Granularity, from: number, to: number): number[] {
  const starts: number[] = [];
  for (let start = from; start < to; start += windowLength[granularity]) starts.push(start);
  return starts;
}

function record(market: Market, granularity: Granularity, token: string, start: number) {
  const row = market.row(granularity, token, start);
  if (row === null) throw new Error(`no row of ${token}`);
  return Object.fromEntries(metrics.map(({ column }, at) => [column, row[at] ?? Number.NaN])) as Record<
    (typeof bundledMetrics)[number]['column'],
    number
  >;
}

describe('the values of a window', () => {
  const market = new Market({ seed: 7 });

  it.each(granularities)('are within the bounds of the catalogue at %s', (granularity) => {
    const outside: string[] = [];
    for (const { token } of bundledTokens) {
      for (const start of startsOf(granularity, someDay, someDay + day)) {
        market.row(granularity, token, start)?.forEach((value, at) => {
          const { minimum = null, maximum = null, kind } = metrics[at] ?? {};
          const isWhole = kind === 'count' || kind === 'rank' || kind === 'change';
          const isSound = Number.isFinite(value) && (!isWhole || Number.isInteger(value));
          if (!isSound || value < (minimum ?? value) || value > (maximum ?? value)) {
            outside.push(`${token} ${start} ${kind} ${value}`);
          }
        });
      }
    }
    expect(outside).toEqual([]);
  });

  it.each(granularities)('rank the tokens that have %s by mentions, ties in list order', (granularity) => {
    const tokens = bundledTokens.filter(({ token }) => market.hasGranularity(token, granularity));
    for (const start of startsOf(granularity, someDay, someDay + day).slice(0, 12)) {
      const records = tokens.map(({ token }) => record(market, granularity, token, start));
      const order = records
        .map(({ mention_count }, at) => ({ mention_count, at }))
        .sort((a, b) => b.mention_count - a.mention_count || a.at - b.at);
      order.forEach(({ at }, position) => {
        expect(records[at]?.mention_rank).toBe(position + 1);
      });
      const total = records.reduce((sum, { mention_share }) => sum + mention_share, 0);
      expect(Math.abs(total - 1)).toBeLessThan(tokens.length * 0.5e-8);
    }
  });

  it('tell how far a rank climbed since the window before', () => {
    for (const { token } of bundledTokens) {
      const [before, now] = [someDay, someDay + 4 * 60 * minute].map((start) =>
        record(market, '4h', token, start),
      );
      expect(now?.mention_rank_change).toBe((before?.mention_rank ?? 0) - (now?.mention_rank ?? 0));
    }
  });

  it('have no rank change in the first window of the history', () => {
    expect(market.value('15m', 'SOL', 'CO-A-01-02', firstWindow)).toBe(0);
    const later = startsOf('15m', firstWindow, firstWindow + day).map((start) =>
      market.value('15m', 'SOL', 'CO-A-01-02', start),
    );
    expect(later.some((change) => change !== 0)).toBe(true);
  });

  it('keep their order: mentions, users, communities', () => {
    for (const granularity of granularities) {
      for (const { token } of bundledTokens.filter((each) =>
        market.hasGranularity(each.token, granularity),
      )) {
        const { mention_count, unique_user_count, community_count } = record(
          market,
          granularity,
          token,
          someDay,
        );
        expect(unique_user_count).toBeLessThanOrEqual(mention_count);
        expect(community_count).toBeLessThanOrEqual(unique_user_count);
        expect(community_count > 0).toBe(mention_count > 0);
      }
    }
  });

  it('have sentiment that adds up, without float dust', () => {
    for (const { token } of bundledTokens.slice(0, 20)) {
      for (const start of startsOf('15m', someDay, someDay + day)) {
        const row = record(market, '15m', token, start);
        const polarity = row.positive_ratio + row.negative_ratio;
        expect(polarity).toBeLessThanOrEqual(1);
        expect(row.net_sentiment).toBe(Number((row.positive_ratio - row.negative_ratio).toFixed(4)));
        expect(row.extreme_sentiment_ratio).toBeLessThanOrEqual(polarity + 1e-12);
        for (const ratio of [row.positive_ratio, row.negative_ratio, row.extreme_sentiment_ratio]) {
          expect(String(ratio)).toBe(String(Number(ratio.toFixed(4))));
        }
        expect(row.sentiment_consensus).toBeGreaterThanOrEqual(0);
        expect(row.sentiment_consensus).toBeLessThanOrEqual(1);
      }
    }
  });

  it('hold zeros where nobody says anything', () => {
    const quiet = bundledTokens
      .filter(({ token }) => market.hasGranularity(token, '15m'))
      .flatMap(({ token }) =>
        startsOf('15m', someDay, someDay + day).map((start) => record(market, '15m', token, start)),
      )
      .filter(({ mention_count }) => mention_count === 0);
    expect(quiet.length).toBeGreaterThan(0);
    for (const row of quiet) {
      expect(row).toMatchObject({ mention_share: 0, unique_user_count: 0, community_count: 0 });
      expect(row).toMatchObject({ positive_ratio: 0, negative_ratio: 0, net_sentiment: 0 });
    }
  });
});

describe('coarser windows', () => {
  const market = new Market({ seed: 3 });

  it.each(['1h', '4h', '1d'] as const)('are the exact sums of their quarters at %s', (granularity) => {
    for (const token of ['BTC', 'ETH', 'PEPE', 'CAKE']) {
      for (const code of sums) {
        const start = someDay;
        const parts = startsOf('15m', start, start + windowLength[granularity]).map(
          (quarter) => market.value('15m', token, code, quarter) ?? Number.NaN,
        );
        const sum = parts.reduce((total, part) => total + part, 0);
        expect(market.value(granularity, token, code, start)).toBe(sum);
      }
    }
  });

  it('have at least the users of each part and at most their sum', () => {
    for (const { token } of bundledTokens.slice(0, 60)) {
      const whole = market.value('1d', token, 'CO-A-01-07', someDay) ?? Number.NaN;
      const parts = startsOf('1h', someDay, someDay + day).map(
        (hour) => market.value('1h', token, 'CO-A-01-07', hour) ?? Number.NaN,
      );
      expect(whole).toBeGreaterThanOrEqual(Math.max(...parts));
      expect(whole).toBeLessThanOrEqual(parts.reduce((sum, part) => sum + part, 0));
    }
  });
});

describe('a market', () => {
  const cell = fc.record({
    granularity: fc.constantFrom(...granularities),
    token: fc.constantFrom(...bundledTokens.map(({ token }) => token)),
    metric: fc.constantFrom(...metricCodes),
    day: fc.integer({ min: 0, max: 600 }),
    part: fc.nat(95),
  });

  it('gives the same values in any order, from a fresh instance, and with hardly any memory', () => {
    const used = new Market({ seed: 11 });
    const forgetful = new Market({ seed: 11, keptWindows: 1 });
    fc.assert(
      fc.property(cell, ({ granularity, token, metric, day: number, part }) => {
        const windows = day / windowLength[granularity];
        const start = firstWindow + number * day + (part % windows) * windowLength[granularity];
        const value = used.value(granularity, token, metric, start);
        expect(forgetful.value(granularity, token, metric, start)).toBe(value);
        expect(new Market({ seed: 11 }).value(granularity, token, metric, start)).toBe(value);
      }),
      { numRuns: fuzzRuns(15) },
    );
  });

  it('differs with the seed', () => {
    const [one, other] = [1, 2].map((seed) => new Market({ seed }).row('1h', 'BTC', someDay));
    expect(one).not.toEqual(other);
  });

  it('has a few tokens that take most of the mentions, and a rhythm of the day', () => {
    const market = new Market();
    const byToken = bundledTokens
      .map(({ token }) => market.value('1d', token, mentionCount, someDay) ?? 0)
      .sort((a, b) => b - a);
    const total = byToken.reduce((sum, count) => sum + count, 0);
    const top = byToken.slice(0, 10).reduce((sum, count) => sum + count, 0);
    expect(top / total).toBeGreaterThan(0.4);
    expect(Math.min(...byToken)).toBeGreaterThan(0);
    const byHour = startsOf('1h', someDay, someDay + day).map(
      (hour) => market.value('1h', 'BTC', mentionCount, hour) ?? 0,
    );
    expect(Math.max(...byHour)).toBeGreaterThan(1.5 * Math.min(...byHour));
  });

  it('has all granularities for the first tokens, for some of the others only the coarse ones', () => {
    const market = new Market();
    const countOf = (granularity: Granularity) =>
      bundledTokens.filter(({ token }) => market.hasGranularity(token, granularity)).length;
    for (const { token } of bundledTokens.slice(0, 60))
      expect(market.hasGranularity(token, '15m')).toBe(true);
    expect(countOf('1d')).toBe(200);
    expect(countOf('4h')).toBe(200);
    expect(countOf('1h')).toBeLessThan(200);
    expect(countOf('15m')).toBeLessThan(countOf('1h'));
    const lacking = bundledTokens.find(({ token }) => !market.hasGranularity(token, '15m'));
    expect(market.value('15m', lacking?.token ?? '', mentionCount, someDay)).toBeNull();
    expect(market.value('1d', lacking?.token ?? '', mentionCount, someDay)).not.toBeNull();
  });

  it('has nothing before the history, off the grid, and for unknown tokens', () => {
    const market = new Market();
    expect(firstWindow).toBe(beijing('2025-01-01 00:00:00'));
    expect(market.value('1d', 'BTC', mentionCount, firstWindow)).not.toBeNull();
    expect(market.value('1d', 'BTC', mentionCount, firstWindow - day)).toBeNull();
    expect(market.value('1h', 'BTC', mentionCount, someDay + minute)).toBeNull();
    expect(market.value('1h', 'NOSUCH', mentionCount, someDay)).toBeNull();
    expect(market.hasGranularity('NOSUCH', '1d')).toBe(false);
  });

  it('takes a list of tokens of its own', () => {
    const market = new Market({ tokens: bundledTokens.slice(5, 8) });
    const ranks = ['USDC', 'TRX', 'DOGE'].map((token) => market.value('1h', token, 'CO-A-01-01', someDay));
    expect([...ranks].sort()).toEqual([1, 2, 3]);
    expect(market.knows('BTC')).toBe(false);
  });
});

describe('coverage', () => {
  it('has three tiers, as the vendor’s page of v2.1 tells', () => {
    const market = new Market({ coverage: 'tiers' });
    const served = (token: string) => granularities.filter((each) => market.hasGranularity(token, each));
    for (const token of ['BTC', 'ETH']) expect(served(token)).toEqual(['15m', '1h', '4h', '1d']);
    for (const token of ['BNB', 'DOGE', 'SOL', 'UNI', 'XRP', 'LTC', 'ADA'])
      expect(served(token)).toEqual(['1h', '4h', '1d']);
    for (const token of ['QTUM', 'UMA']) expect(served(token)).toEqual(['4h', '1d']);
  });

  it('ends where a token’s life ends, and begins where it begins', () => {
    const lifetimes = { SOL: { from: someDay, until: someDay + 2 * day }, BTC: { until: someDay } };
    const market = new Market({ lifetimes });
    const row = (token: string, days: number) => market.row('1h', token, someDay + days * day);
    expect([-1, 0, 1, 2].map((days) => row('SOL', days) !== null)).toEqual([false, true, true, false]);
    expect([-1, 0].map((days) => row('BTC', days) !== null)).toEqual([true, false]);
    expect(row('ETH', 0)).not.toBeNull();
  });

  it('has days from either hour, each the sum of its hours', () => {
    const market = new Market();
    for (const start of [someDay, someDay + 8 * 60 * minute]) {
      const hours = startsOf('1h', start, start + day).map(
        (hour) => market.value('1h', 'BTC', mentionCount, hour) ?? Number.NaN,
      );
      expect(market.value('1d', 'BTC', mentionCount, start)).toBe(hours.reduce((sum, each) => sum + each, 0));
    }
    expect(market.row('1d', 'BTC', someDay + 4 * 60 * minute)).toBeNull();
  });
});

describe('tags', () => {
  const market = new Market();

  it('fit the token', () => {
    expect(market.tagAsOf('BTC', 'CO-B-01-01', someDay)).toBe('whale');
    expect(market.tagAsOf('USDC', 'CO-B-01-01', someDay)).toBe('stablecoin');
    expect(market.tagAsOf('BTC', 'CO-B-01-03', someDay)).toBe('PoW');
    expect(market.tagAsOf('PEPE', 'CO-B-01-04', someDay)).toMatchObject({ primary: 'Meme' });
    expect(market.tagAsOf('NOSUCH', 'CO-B-01-01', someDay)).toBeNull();
    expect(market.tagAsOf('BTC', 'CO-B-01-01', firstWindow - 1)).toBeNull();
  });

  it('change rarely, and never within a day', () => {
    let changes = 0;
    for (const { token } of bundledTokens) {
      for (let step = 1; step < 60; step += 1) {
        const today = market.tagAsOf(token, 'CO-B-03-01', someDay + step * day);
        expect(market.tagAsOf(token, 'CO-B-03-01', someDay + step * day + 23 * 60 * minute)).toBe(today);
        if (today !== market.tagAsOf(token, 'CO-B-03-01', someDay + (step - 1) * day)) changes += 1;
      }
    }
    expect(changes).toBeGreaterThan(20);
    expect(changes).toBeLessThan(200 * 60 * 0.05);
  });
});
