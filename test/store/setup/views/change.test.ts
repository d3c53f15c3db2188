import { beforeAll, expect, it } from 'vitest';
import { storeAnswer } from '../../../../src/store/answers/write.ts';
import type { Database } from '../../../../src/store/connection/database.ts';
import { day, hour } from '../../../support/clock.ts';
import { createTestDatabase, describeOnServers, rows } from '../../../support/database.ts';
import { answer, mentions, row, start, type Values } from '../../answers/answering.ts';

const sentiment = 'CO-A-02-03';

/** A token's value in each hour since {@link start}: anything that does not repeat. */
const level = (number: number) => Math.round(Math.sin(number * 1.7) * 500) / 1000;

describeOnServers('the views of change', (kind) => {
  let database: Database;
  const hours = 35 * 24 + 5;
  beforeAll(async () => {
    database = await createTestDatabase(kind);
    const series = Array.from({ length: hours }, (_, number) =>
      row('BTC', start + number * hour, { [sentiment]: level(number), [mentions]: number }),
    );
    const newest = start + (hours - 1) * hour;
    const pair = (token: string, before: Values | undefined, now: Values, late = 0) => [
      ...(before === undefined ? [] : [row(token, newest - late - day, before)]),
      row(token, newest - late, now),
    ];
    await storeAnswer(
      database,
      answer({
        tokens: ['BTC', 'ETH', 'SOL', 'XRP', 'ADA', 'DOGE'],
        to: start + hours * hour,
        rows: [
          ...series,
          ...pair('ETH', { [mentions]: 100, [sentiment]: 1 }, { [mentions]: 40, [sentiment]: -1 }),
          ...pair('SOL', { [mentions]: 0 }, { [mentions]: 30 }, 2 * hour),
          ...pair('XRP', undefined, { [mentions]: 500 }),
          ...pair('ADA', { [mentions]: 1 }, { [mentions]: 900 }, day + hour),
          ...pair('DOGE', { [sentiment]: 0 }, { [sentiment]: 0.1 }),
        ],
      }),
    );
  });

  it('measure all tokens where a value is out of all proportion', async () => {
    const newest = new Date(start + (hours - 1) * hour);
    const views = ['movers', 'sentiment_zscore', 'sentiment_zscore_history'];
    for (const absurd of [1.7e308, -1.7e308, 5e-324]) {
      const others = async () => {
        const found = await Promise.all(
          views.map((view) =>
            rows(database, `select * from cryptoracle.${view} where granularity = '1h' and token = 'BTC'`),
          ),
        );
        return found.map((each) => each.length);
      };
      const before = await others();
      const inserted = [newest, new Date(newest.getTime() - day), new Date(newest.getTime() - 2 * day)];
      for (const [index, time] of inserted.entries()) {
        await database.pool.query(
          `insert into cryptoracle.metrics_1h (time, token, net_sentiment, mention_count, first_seen_at, updated_at, backfilled)
           values ($1, 'ABSURD', $2, $2, now(), now(), false)`,
          [time, index % 2 === 0 ? absurd : -absurd],
        );
      }
      await database.pool.query(
        "insert into cryptoracle.tokens (token, name, position, first_listed_at, last_listed_at) values ('ABSURD', 'x', 999, now(), now()) on conflict do nothing",
      );
      expect(await others()).toEqual(before);
      for (const view of views) {
        await rows(
          database,
          `select * from cryptoracle.${view} where granularity = '1h' and token = 'ABSURD'`,
        );
      }
      await database.pool.query(
        "delete from cryptoracle.metrics_1h where token = 'ABSURD'; delete from cryptoracle.tokens where token = 'ABSURD'",
      );
    }
  });

  it('movers compares each newest window with the one a day before', async () => {
    const found = await rows(
      database,
      `select token, mention_count, mention_count_before, mention_change, mention_change_ratio, mention_place::int,
         sentiment_change, sentiment_place::int
       from cryptoracle.movers where granularity = '1h' order by mention_place, token`,
    );
    expect(found.map(({ token, mention_place }) => [token, mention_place])).toEqual([
      ['ETH', 1],
      ['SOL', 2],
      ['BTC', 3],
      ['DOGE', null],
      ['XRP', null],
    ]);
    expect(found[0]).toMatchObject({
      mention_count: 40,
      mention_count_before: 100,
      mention_change: -60,
      mention_change_ratio: -0.6,
      sentiment_change: -2,
    });
    // None were there before: no ratio, but a change.
    expect(found[1]).toMatchObject({ mention_change: 30, mention_change_ratio: null });
    // A change that is not known has no place: it is not the smallest, and where none is known none comes first.
    const places = found.map(({ token, sentiment_place }) => [token, sentiment_place]);
    expect(Object.fromEntries(places)).toMatchObject({ ETH: 1, SOL: null, XRP: null });
    const without = found.filter(({ sentiment_change }) => sentiment_change === null);
    expect(without.map(({ token }) => token)).toEqual(['SOL', 'XRP']);
  });

  /** Mean, deviation and number of the 30 Beijing days before the day of an hour. */
  function yardstick(number: number) {
    const midnight = Math.floor(number / 24) * 24;
    const past = Array.from({ length: midnight }, (_, each) => each)
      .filter((each) => each >= midnight - 720)
      .map(level);
    const mean = past.reduce((sum, each) => sum + each, 0) / past.length;
    const squares = past.reduce((sum, each) => sum + (each - mean) ** 2, 0);
    return { mean, deviation: Math.sqrt(squares / (past.length - 1)), windows: past.length };
  }

  it('sentiment_zscore measures the newest window against the 30 days before its day', async () => {
    const found = await rows<Record<string, number>>(
      database,
      `select net_sentiment, mean_30d, stddev_30d, windows_30d::int, zscore from cryptoracle.sentiment_zscore
       where granularity = '1h' and token = 'BTC'`,
    );
    const { mean, deviation, windows } = yardstick(hours - 1);
    expect(found).toHaveLength(1);
    expect(found[0]?.windows_30d).toBe(windows);
    expect(windows).toBe(720);
    expect(found[0]?.mean_30d).toBeCloseTo(mean, 10);
    expect(found[0]?.stddev_30d).toBeCloseTo(deviation, 10);
    expect(found[0]?.zscore).toBeCloseTo((level(hours - 1) - mean) / deviation, 8);
  });

  it('sentiment_zscore_history does so for every window', async () => {
    const found = await rows<{ time: Date; windows_30d: number; zscore: number | null }>(
      database,
      `select time, windows_30d::int, zscore from cryptoracle.sentiment_zscore_history
       where granularity = '1h' and token = 'BTC' order by time`,
    );
    expect(found).toHaveLength(hours);
    for (const [number, { windows_30d, zscore }] of found.entries()) {
      const { mean, deviation, windows } = yardstick(number);
      expect(windows_30d).toBe(windows);
      if (windows < 2) expect(zscore).toBeNull();
      else expect(zscore).toBeCloseTo((level(number) - mean) / deviation, 8);
    }
  });

  it('with fewer than ten windows to measure by there is no z-score', async () => {
    const past = (token: string, windows: number) =>
      Array.from({ length: windows + 1 }, (_, number) =>
        row(token, start + (number < windows ? number : 24) * hour, { [sentiment]: level(number) }),
      );
    await storeAnswer(
      database,
      answer({
        tokens: ['LTC', 'LINK'],
        to: start + 25 * hour,
        rows: [...past('LTC', 9), ...past('LINK', 10)],
      }),
    );
    const found = await rows(
      database,
      `select token, windows_30d::int, zscore is null as unknown from cryptoracle.sentiment_zscore_history
       where granularity = '1h' and token in ('LTC', 'LINK') and time = $1 order by windows_30d`,
      [new Date(start + day)],
    );
    expect(found).toEqual([
      { token: 'LTC', windows_30d: 9, unknown: true },
      { token: 'LINK', windows_30d: 10, unknown: false },
    ]);
  });

  it('where the past is all alike there is no z-score', async () => {
    const from = start + 20 * day;
    // The mean of many a tenth is not a tenth in floating point: their deviation would be a little more than nothing.
    const alike = Array.from({ length: 25 }, (_, number) =>
      row('UNI', from + number * hour, { [sentiment]: 0.1 }),
    );
    await storeAnswer(database, answer({ tokens: ['UNI'], to: from + 25 * hour, rows: alike }));
    for (const view of ['sentiment_zscore', 'sentiment_zscore_history']) {
      const found = await rows(
        database,
        `select windows_30d::int, stddev_30d, zscore from cryptoracle.${view}
         where granularity = '1h' and token = 'UNI' and time = $1`,
        [new Date(from + day)],
      );
      expect(found).toEqual([{ windows_30d: 24, stddev_30d: 0, zscore: null }]);
    }
  });

  it('without a past there is no z-score', async () => {
    const found = await rows(
      database,
      `select mean_30d is null as unknown, windows_30d::int, zscore from cryptoracle.sentiment_zscore
       where granularity = '1h' and token = 'DOGE'`,
    );
    expect(found).toEqual([{ unknown: false, windows_30d: 1, zscore: null }]);
  });
});
