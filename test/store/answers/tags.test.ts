import { beforeAll, beforeEach, expect, it } from 'vitest';
import { asToken, type TagCode } from '../../../src/catalog/index.ts';
import { storeAnswer } from '../../../src/store/answers/write.ts';
import type { Database } from '../../../src/store/connection/database.ts';
import { day } from '../../support/clock.ts';
import { createTestDatabase, describeOnServers, rows } from '../../support/database.ts';
import { answer, clear, start } from './answering.ts';

const ecosystem = 'CO-B-01-04';

describeOnServers('tags of an answer', (kind) => {
  let database: Database;
  beforeAll(async () => {
    database = await createTestDatabase(kind);
  });
  beforeEach(() => clear(database));

  /** Stores what BTC's tag was on the nth day from 2025-06-01. */
  const on = (number: number, value: string, tag: TagCode = ecosystem, token = 'BTC') =>
    storeAnswer(
      database,
      answer({
        granularity: '1d',
        tokens: [token],
        metrics: [],
        tags: [tag],
        from: start + number * day,
        to: start + (number + 1) * day,
        tagValues: [{ token: asToken(token), tag, value }],
      }),
    );
  const stored = () =>
    rows(
      database,
      `select token, tag, value, first_day::text as "from", last_day::text as "to"
       from cryptoracle.token_tags order by token, tag, first_day`,
    );
  const stretch = (value: string, from: string, to: string, tag = ecosystem, token = 'BTC') => ({
    token,
    tag,
    value,
    from,
    to,
  });

  it('begin on the Beijing day that was asked for', async () => {
    await on(0, 'DeFi');
    expect(await stored()).toEqual([stretch('DeFi', '2025-06-01', '2025-06-01')]);
  });

  it('last to the newest day with the same value', async () => {
    for (const number of [0, 1, 2]) await on(number, 'DeFi');
    expect(await stored()).toEqual([stretch('DeFi', '2025-06-01', '2025-06-03')]);
  });

  it('last over days on which nobody asked', async () => {
    await on(0, 'DeFi');
    await on(5, 'DeFi');
    expect(await stored()).toEqual([stretch('DeFi', '2025-06-01', '2025-06-06')]);
  });

  it('get a row of their own from the day on which they change', async () => {
    await on(0, 'DeFi');
    await on(1, 'DeFi');
    await on(2, 'Payment');
    await on(3, 'Payment');
    expect(await stored()).toEqual([
      stretch('DeFi', '2025-06-01', '2025-06-02'),
      stretch('Payment', '2025-06-03', '2025-06-04'),
    ]);
  });

  it('that return to an earlier value get a third row', async () => {
    for (const [number, value] of ['A', 'A', 'B', 'A', 'A'].entries()) await on(number, value);
    expect(await stored()).toEqual([
      stretch('A', '2025-06-01', '2025-06-02'),
      stretch('B', '2025-06-03', '2025-06-03'),
      stretch('A', '2025-06-04', '2025-06-05'),
    ]);
  });

  it('of the same day again write nothing', async () => {
    await on(0, 'A');
    await on(1, 'B');
    await on(2, 'B');
    const before = await rows(database, 'select xmin, * from cryptoracle.token_tags order by first_day');
    await on(2, 'B');
    expect(await rows(database, 'select xmin, * from cryptoracle.token_tags order by first_day')).toEqual(
      before,
    );
  });

  it('of an earlier day again do not shorten a stretch', async () => {
    for (const number of [0, 1, 2]) await on(number, 'A');
    await on(1, 'A');
    expect(await stored()).toEqual([stretch('A', '2025-06-01', '2025-06-03')]);
  });

  it('that change within a day end with the newest value of that day', async () => {
    await on(0, 'A');
    await on(0, 'B');
    expect(await stored()).toEqual([stretch('B', '2025-06-01', '2025-06-01')]);
  });

  it('of other tokens and other codes do not touch each other', async () => {
    await on(0, 'A');
    await on(0, 'A', 'CO-B-03-01');
    await on(0, 'A', ecosystem, 'ETH');
    await on(1, 'B', 'CO-B-03-01');
    await on(1, 'A');
    expect(await stored()).toEqual([
      stretch('A', '2025-06-01', '2025-06-02'),
      stretch('A', '2025-06-01', '2025-06-01', 'CO-B-03-01'),
      stretch('B', '2025-06-02', '2025-06-02', 'CO-B-03-01'),
      stretch('A', '2025-06-01', '2025-06-01', ecosystem, 'ETH'),
    ]);
  });

  it('that are JSON keep their text', async () => {
    const json = JSON.stringify({ primary: '支付', secondary: ['DeFi', 'a "quote"', '\u{1f680}'] });
    await on(0, json);
    await on(1, json);
    expect(await stored()).toEqual([stretch(json, '2025-06-01', '2025-06-02')]);
    const [parsed] = await rows(
      database,
      "select value::jsonb ->> 'primary' as primary from cryptoracle.token_tags",
    );
    expect(parsed).toEqual({ primary: '支付' });
  });

  it('are entered as answered, whether or not there was one', async () => {
    await storeAnswer(
      database,
      answer({ granularity: '1d', metrics: [], tags: [ecosystem], to: start + day, tagValues: [] }),
    );
    const covered = await rows(
      database,
      'select granularity, token, metric, answered::text from cryptoracle.coverage',
    );
    expect(covered).toEqual([
      {
        granularity: '1d',
        token: 'BTC',
        metric: ecosystem,
        answered: '{["2025-05-31 16:00:00+00","2025-06-01 16:00:00+00")}',
      },
    ]);
  });
});
