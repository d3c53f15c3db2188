import { beforeAll, beforeEach, expect, it } from 'vitest';
import { asToken, bundledTokens } from '../../../../src/catalog/index.ts';
import type { Database } from '../../../../src/store/connection/database.ts';
import { countTokens } from '../../../../src/store/reports/freshness.ts';
import { day, hour, minute } from '../../../support/clock.ts';
import { createTestDatabase, describeOnServers, rows } from '../../../support/database.ts';

const tokens = bundledTokens.slice(0, 10).map(({ token }) => token);

describeOnServers('freshness', (kind) => {
  let database: Database;
  /** Start of the newest hour that has been due for more than ten minutes. */
  const newest = () => Math.floor((Date.now() - 26 * minute) / hour) * hour - hour;

  beforeAll(async () => {
    database = await createTestDatabase(kind);
  });
  beforeEach(() =>
    database.pool.query(
      'truncate cryptoracle.metrics_1h, cryptoracle.metrics_1d, cryptoracle.wanted, cryptoracle.coverage',
    ),
  );

  /** A row of each of the tokens in the hours from so many before the newest to so many before it. */
  const store = (some: readonly string[], { from, to = 0 }: { from: number; to?: number }) =>
    database.pool.query(
      `insert into cryptoracle.metrics_1h (time, token, mention_count, first_seen_at, updated_at)
       select time, token, 1, now(), now()
       from generate_series($1::timestamptz, $2::timestamptz, interval '1 hour') as time, unnest($3::text[]) as token`,
      [new Date(newest() - from * hour), new Date(newest() - to * hour), some],
    );
  const want = (granularity: string, some: readonly string[] | null) =>
    database.pool.query(
      `insert into cryptoracle.wanted (granularity, history_start, settle_delay, tokens, metrics)
       values ($1, now() - interval '30 days', interval '15 minutes', $2, '{}')`,
      [granularity, some],
    );
  async function hourly(): Promise<Record<string, unknown> | undefined> {
    const found = await rows<Record<string, unknown>>(
      database,
      "select * from cryptoracle.freshness where granularity = '1h'",
    );
    return found[0];
  }

  it('tells how far the newest window is behind', async () => {
    await store(['BTC'], { from: 10, to: 5 });
    const end = newest() - 4 * hour;
    const found = await hourly();
    expect(found).toMatchObject({
      newest_window: new Date(end - hour),
      newest_window_end: new Date(end),
      tokens: '1',
      stored_at: expect.any(Date),
      is_late: true,
    });
    const seconds = (Date.now() - end) / 1000;
    expect(Math.abs(Number(found?.seconds_behind) - seconds)).toBeLessThan(30);
    expect([5, 6]).toContain(found?.windows_behind);
  });

  it('is late where nothing was ever stored', async () => {
    expect(await hourly()).toMatchObject({
      newest_window: null,
      tokens: '0',
      windows_behind: null,
      counted_tokens: 0,
      usual_tokens: null,
      is_late: true,
      is_quiet: null,
    });
  });

  it('is well where as many tokens as usual have a value, though some lack it', async () => {
    await store(tokens, { from: 20 * 24, to: 1 });
    await store(tokens.slice(0, 8), { from: 0 });
    expect(await hourly()).toMatchObject({
      counted_window: new Date(newest()),
      counted_tokens: 8,
      usual_tokens: 10,
      is_quiet: false,
      is_late: false,
    });
  });

  it('is late where the vendor goes quiet for all tokens but one', async () => {
    await store(tokens, { from: 20 * 24, to: 1 });
    await store(tokens.slice(0, 1), { from: 0 });
    expect(await hourly()).toMatchObject({
      counted_tokens: 1,
      usual_tokens: 10,
      is_quiet: true,
      is_late: true,
    });
  });

  it('knows nothing usual in the first three days', async () => {
    await store(tokens, { from: 2 * 24, to: 1 });
    await store(tokens.slice(0, 1), { from: 0 });
    expect(await hourly()).toMatchObject({ usual_tokens: null, is_quiet: null, is_late: false });
  });

  it('takes days that were not asked for yet for nothing, whatever is known from before them', async () => {
    await store(tokens, { from: 40 * 24, to: 30 * 24 });
    await store(tokens, { from: 4 * 24, to: 1 });
    await store(tokens.slice(0, 1), { from: 0 });
    expect(await hourly()).toMatchObject({ usual_tokens: 10, is_quiet: true, is_late: true });
  });

  it('judges what is wanted alone', async () => {
    await store(tokens, { from: 20 * 24, to: 1 });
    await store(tokens.slice(0, 1), { from: 0 });
    await want('1h', tokens.slice(0, 1));
    expect(await hourly()).toMatchObject({
      counted_tokens: 1,
      usual_tokens: 1,
      is_quiet: false,
      is_late: false,
    });
    const granularities = 'select granularity from cryptoracle.freshness';
    expect(await rows(database, granularities)).toEqual([{ granularity: '1h' }]);
    const ofTokens = await rows(database, 'select granularity, token from cryptoracle.token_freshness');
    expect(ofTokens).toEqual([{ granularity: '1h', token: tokens[0] }]);
  });

  it('counts the same for the program as for SQL', async () => {
    await store(tokens, { from: 20 * 24, to: 1 });
    await store(tokens.slice(0, 3), { from: 0 });
    const all = tokens.map(asToken);
    const windows = { counted: newest(), newest: newest() };
    expect(await countTokens(database, '1h', windows, { all, expected: all.slice(1, 6) })).toEqual({
      ...{ window: newest(), tokens: 3, usual: 10 },
      missing: all.slice(3, 6),
    });
  });

  it('of a token counts the windows it lacks, and forgives one that is mentioned now and then', async () => {
    const [steady = '', rare = '', silent = ''] = tokens;
    await store([steady], { from: 10 * 24, to: 4 });
    for (const from of [200, 150, 100, 50]) await store([rare], { from, to: from });
    const found = await rows<Record<string, unknown>>(
      database,
      `select token, newest_window, windows_behind, round(usual_share::numeric, 2)::float8 as share, is_late
       from cryptoracle.token_freshness where granularity = '1h' and token = any ($1)`,
      [[steady, rare, silent]],
    );
    const of = (token: string) => found.find((each) => each.token === token);
    expect(of(steady)).toMatchObject({
      newest_window: new Date(newest() - 4 * hour),
      share: 1,
      is_late: true,
    });
    expect([4, 5]).toContain(of(steady)?.windows_behind);
    expect(of(rare)).toMatchObject({ share: 0.03, is_late: false });
    expect(of(silent)).toMatchObject({
      newest_window: null,
      windows_behind: null,
      share: null,
      is_late: null,
    });
  });

  it('of a token counts the windows that it lacks since its first value, though it was silent for long', async () => {
    const [back = '', young = ''] = tokens;
    await store([back], { from: 40 * 24, to: 30 * 24 });
    await store([back], { from: 10, to: 4 });
    await store([young], { from: 10, to: 4 });
    const found = await rows(
      database,
      `select token, round(usual_share::numeric, 4)::float8 as share, is_late from cryptoracle.token_freshness
       where granularity = '1h' and token = any ($1) order by token = $2 desc`,
      [[back, young], back],
    );
    expect(found).toEqual([
      { token: back, share: Math.round((7 / (14 * 24)) * 10_000) / 10_000, is_late: false },
      { token: young, share: 1, is_late: true },
    ]);
  });

  it('is well while a day is not over', async () => {
    await database.pool.query(
      `insert into cryptoracle.metrics_1d (time, token, mention_count, first_seen_at, updated_at)
       select date_trunc('day', now() - interval '20 minutes', 'UTC') - days * interval '24 hours', 'BTC', 1, now(), now()
       from generate_series(1, 20) as days`,
    );
    const [daily] = await rows(database, "select * from cryptoracle.freshness where granularity = '1d'");
    expect(daily).toMatchObject({ counted_tokens: 1, usual_tokens: 1, is_late: false });
    expect(Number(daily?.counted_window) % day).toBe(0);
  });
});
