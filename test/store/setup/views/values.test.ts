import { beforeAll, expect, it } from 'vitest';
import { type Granularity, granularities, metrics, windowLength } from '../../../../src/catalog/index.ts';
import { storeAnswer } from '../../../../src/store/answers/write.ts';
import type { Database } from '../../../../src/store/connection/database.ts';
import { day, hour } from '../../../support/clock.ts';
import { createTestDatabase, describeOnServers, rows } from '../../../support/database.ts';
import { answer, columnOf, consensus, mentions, row, start, type Values } from '../../answers/answering.ts';

const sentiment = 'CO-A-02-03';

describeOnServers('the views of values', (kind) => {
  let database: Database;
  const store = (granularity: Granularity, found: readonly (readonly [string, number, Values])[]) =>
    storeAnswer(
      database,
      answer({
        granularity,
        tokens: ['BTC', 'ETH', 'SOL'],
        to: start + 60 * day,
        rows: found.map(([token, time, values]) => row(token, time, values)),
      }),
    );

  beforeAll(async () => {
    database = await createTestDatabase(kind);
    for (const granularity of granularities) {
      const length = windowLength[granularity];
      const newest = start + 40 * day;
      await store(granularity, [
        ['BTC', newest - length, { [mentions]: 10 }],
        ['BTC', newest, { [mentions]: 11, [sentiment]: 0 }],
        ['ETH', newest - 30 * day, { [mentions]: 20 }],
        ['SOL', newest - 30 * day - length, { [mentions]: 30, [consensus]: 0.5 }],
      ]);
    }
  });

  it('metrics holds every row of every granularity, with the end of its window', async () => {
    const found = await rows<{ granularity: Granularity; time: Date; window_end: Date }>(
      database,
      'select * from cryptoracle.metrics',
    );
    expect(found).toHaveLength(16);
    for (const { granularity, time, window_end } of found) {
      expect(window_end.getTime() - time.getTime()).toBe(windowLength[granularity]);
    }
    for (const granularity of granularities) {
      const columns = ['time', 'token', 'first_seen_at', 'updated_at', 'backfilled'].concat(
        metrics.map(({ column }) => column),
      );
      const select = (from: string) =>
        rows(database, `select ${columns.join()} from cryptoracle.${from} order by time, token`);
      expect(await select(`metrics where granularity = '${granularity}'`)).toEqual(
        await select(`metrics_${granularity}`),
      );
    }
  });

  it('the end of a window is right in sessions of any time zone', async () => {
    const found = await rows(
      database,
      `select count(*)::int as wrong from cryptoracle.metrics
       where granularity = '1d' and window_end <> time + interval '24 hours'`,
    );
    expect(found).toEqual([{ wrong: 0 }]);
    const client = await database.pool.connect();
    try {
      await client.query("begin; set local time zone 'America/New_York'");
      const { rows: zoned } = await client.query<{ seconds: number }>(
        `select distinct extract(epoch from window_end - time)::int as seconds
         from cryptoracle.metrics where granularity = '1d'`,
      );
      expect(zoned).toEqual([{ seconds: 86_400 }]);
    } finally {
      await client.query('rollback');
      client.release();
    }
  });

  it('metrics_long has a row for every value and none for what is missing', async () => {
    const found = await rows(
      database,
      `select token, time, code, metric, value from cryptoracle.metrics_long
       where granularity = '1h' order by time, code`,
    );
    const newest = start + 40 * day;
    const of = (token: string, time: number, code: keyof typeof columnOf, value: number) => ({
      token,
      time: new Date(time),
      code,
      metric: columnOf[code],
      value,
    });
    expect(found).toEqual([
      of('SOL', newest - 30 * day - hour, mentions, 30),
      of('SOL', newest - 30 * day - hour, consensus, 0.5),
      of('ETH', newest - 30 * day, mentions, 20),
      of('BTC', newest - hour, mentions, 10),
      of('BTC', newest, mentions, 11),
      // Zero is a value.
      of('BTC', newest, sentiment, 0),
    ]);
  });

  it('latest has the newest row of each token, up to 30 days behind the newest of all', async () => {
    const found = await rows(
      database,
      `select granularity, token, time, mention_count from cryptoracle.latest
       order by array_position(array['15m', '1h', '4h', '1d'], granularity), token`,
    );
    const newest = start + 40 * day;
    expect(found).toEqual(
      granularities.flatMap((granularity) => [
        { granularity, token: 'BTC', time: new Date(newest), mention_count: 11 },
        { granularity, token: 'ETH', time: new Date(newest - 30 * day), mention_count: 20 },
      ]),
    );
    for (const granularity of granularities) {
      expect(await rows(database, `select * from cryptoracle.latest_${granularity} order by token`)).toEqual(
        await rows(database, 'select * from cryptoracle.latest where granularity = $1 order by token', [
          granularity,
        ]),
      );
    }
  });

  it.each([
    { granularity: '15m', told: ['15 minutes', 4], finalAfterMinutes: 3 * 24 * 60 },
    { granularity: '15m', told: ['15 minutes', 400], finalAfterMinutes: 15 + 401 * 15 },
    { granularity: '1h', told: ['15 minutes', 100], finalAfterMinutes: 15 + 101 * 60 },
    { granularity: '4h', told: ['60 minutes', 4], finalAfterMinutes: 3 * 24 * 60 },
    { granularity: '1d', told: ['60 minutes', 2], finalAfterMinutes: 60 + 3 * 24 * 60 },
    { granularity: '1d', told: ['15 minutes', null], finalAfterMinutes: 15 + 5 * 24 * 60 },
    { granularity: '1d', told: undefined, finalAfterMinutes: 15 + 5 * 24 * 60 },
  ])(
    'is_final past look-back and recheck: $granularity, told $told',
    async ({ granularity, told, finalAfterMinutes }) => {
      // Of one transaction, so that now() stands still.
      const client = await database.pool.connect();
      try {
        await client.query('begin');
        await client.query('delete from cryptoracle.wanted');
        if (told !== undefined) {
          await client.query(
            `insert into cryptoracle.wanted (granularity, history_start, settle_delay, lookback_windows, metrics)
             values ($1, '2025-01-01', $2, $3, '{}')`,
            [granularity, ...told],
          );
        }
        await client.query(
          `insert into cryptoracle.metrics_${granularity} ("time", token, mention_count, first_seen_at, updated_at)
           select now() - interval '1 minute' * $1 + m * interval '1 second', 'NEW', 1, now(), now()
           from unnest('{-1, 0, 1}'::int[]) as m`,
          [finalAfterMinutes],
        );
        for (const view of ['metrics', 'metrics_long']) {
          const { rows: found } = await client.query<{ is_final: boolean }>(
            `select is_final from cryptoracle.${view} where granularity = $1 and token = 'NEW' order by time`,
            [granularity],
          );
          expect(
            found.map((each) => each.is_final),
            view,
          ).toEqual([true, true, false]);
        }
        await client.query(
          "insert into cryptoracle.tokens (token, name, position, first_listed_at, last_listed_at) values ('NEW', 'New', 0, now(), now())",
        );
        const { rows: newest } = await client.query(
          `select is_final, seen_later from cryptoracle.latest where granularity = $1 and token = 'NEW'`,
          [granularity],
        );
        expect(newest).toEqual([{ is_final: false, seen_later: null }]);
      } finally {
        await client.query('rollback');
        client.release();
      }
    },
  );
});
