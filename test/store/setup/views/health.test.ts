import { beforeAll, expect, it } from 'vitest';
import { beijingDay, formatBeijingDate } from '../../../../src/beijing.ts';
import { bundledCatalogue, metricCodes, tagCodes } from '../../../../src/catalog/index.ts';
import { storeAnswer } from '../../../../src/store/answers/write.ts';
import type { Database } from '../../../../src/store/connection/database.ts';
import { storeDesiredScope } from '../../../../src/store/ledger/desired-scope.ts';
import { v1Metrics } from '../../../support/catalogue.ts';
import { day, hour, minute } from '../../../support/clock.ts';
import { createTestDatabase, describeOnServers, rows } from '../../../support/database.ts';
import { answer, mentions, row } from '../../answers/answering.ts';

describeOnServers('the views of health', (kind) => {
  let database: Database;
  const today = beijingDay(Date.now());
  // An hour after midnight in Beijing the day before is whole.
  const from = beijingDay(Date.now() - hour) - 3 * day;
  beforeAll(async () => {
    database = await createTestDatabase(kind);
    // Two days and six hours of the third, of which one hour is missing; one metric was asked for on the first day only.
    const parts = [
      { metrics: metricCodes.slice(1), from, to: from + 2 * day },
      { metrics: metricCodes.slice(0, 1), from, to: from + day },
      { metrics: metricCodes, from: from + 2 * day + hour, to: from + 2 * day + 6 * hour },
    ];
    for (const part of parts) {
      const tokens = ['BTC', 'ETH'];
      const newest = [row('BTC', part.to - hour, { [mentions]: 1 })];
      await storeAnswer(database, answer({ ...part, tokens, tags: tagCodes, rows: newest }));
    }
    await storeAnswer(
      database,
      answer({
        from: from + 5 * hour,
        to: from + 6 * hour,
        rows: [row('ETH', from + 5 * hour, { [mentions]: 1 })],
      }),
    );
  });

  const coverage = (where: string) =>
    rows(
      database,
      `select day::text, windows, metrics::int, expected::int, answered::int, answered_ratio
       from cryptoracle.coverage_daily where ${where} order by day`,
    );

  it('coverage_daily counts what has been answered of each Beijing day', async () => {
    const date = (days: number) => formatBeijingDate(from + days * day);
    const all = metricCodes.length;
    const full = 24 * all;
    const found = await coverage("granularity = '1h' and token = 'BTC'");
    expect(found.slice(0, 3)).toEqual([
      { day: date(0), windows: 24, metrics: all, expected: full, answered: full, answered_ratio: 1 },
      {
        ...{ day: date(1), windows: 24, metrics: all, expected: full },
        ...{ answered: full - 24, answered_ratio: (all - 1) / all },
      },
      { day: date(2), windows: 24, metrics: all, expected: full, answered: 5 * all, answered_ratio: 5 / 24 },
    ]);
  });

  it('the current day counts as far as its windows are due', async () => {
    const windowsToday = async () => {
      const found = await coverage("granularity = '15m' and token = 'ETH'");
      return found.filter(({ day: name }) => name === formatBeijingDate(today));
    };
    const due = () => Math.max(0, Math.floor((Date.now() - 15 * minute - today) / (15 * minute)));
    await storeAnswer(
      database,
      answer({ granularity: '15m', tokens: ['ETH'], from: today, to: today + 15 * minute }),
    );
    const before = due();
    const current = await windowsToday();
    // In the first half of an hour after midnight in Beijing there is none.
    if (current.length === 0) expect(before).toBe(0);
    else expect([before, due()]).toContain(current[0]?.windows);

    // Windows settle when the pipeline's settings say so.
    await database.pool.query(
      `insert into cryptoracle.wanted (granularity, history_start, settle_delay, tokens, metrics)
       select '15m', $1::timestamptz, now() - $1::timestamptz - interval '15 minutes', null, $2`,
      [new Date(today), metricCodes],
    );
    expect(await windowsToday()).toMatchObject([{ windows: 1, answered_ratio: 1 }]);
    await database.pool.query('delete from cryptoracle.wanted');
  });

  it('a token without such windows counts only where it was asked for', async () => {
    // The name of no other test's token, asked for on two days without a value; nobody asks for it on the third.
    const token = 'SOL';
    await storeAnswer(
      database,
      answer({ from, to: from + 2 * day, tokens: [token], metrics: metricCodes, tags: [] }),
    );
    const found = await coverage(`granularity = '1h' and token = '${token}'`);
    expect(found.map(({ answered_ratio }) => answered_ratio)).toEqual([1, 1]);
    // A value shows that it has such windows: then what was not asked for is missing.
    await storeAnswer(
      database,
      answer({ from, to: from + hour, tokens: [token], rows: [row(token, from, { [mentions]: 1 })] }),
    );
    const ratios = (await coverage(`granularity = '1h' and token = '${token}'`)).map(
      (each) => each.answered_ratio,
    );
    expect(ratios.slice(0, 3)).toEqual([1, 1, 0]);
  });

  it('what the subscription refuses is not expected', async () => {
    await database.pool.query(
      "insert into cryptoracle.entitlements values ('CO-A-01-01', now(), now()), ('CO-A-02-05', now(), now())",
    );
    const found = await coverage("granularity = '1h' and token = 'BTC'");
    await database.pool.query('delete from cryptoracle.entitlements');
    const left = metricCodes.length - 2;
    expect(found[1]).toMatchObject({ metrics: left, expected: 24 * left, answered: 24 * left });
  });

  it('what the version of the API does not have is not expected', async () => {
    const [first = 'CO-A-01-01', ...others] = bundledCatalogue.served(metricCodes, 'v1');
    const desired = {
      granularities: ['1h'],
      historyStart: from,
      settleDelay: 0,
      tokens: 'all',
      tags: [],
    } as const;
    await storeDesiredScope(database, { ...desired, metrics: metricCodes, apiVersion: 'v1' });
    const found = await coverage("granularity = '1h' and token = 'BTC'");
    await database.pool.query('delete from cryptoracle.wanted');
    expect(first).toBe('CO-A-01-01');
    // The first metric was answered on the first day only; the others on both.
    expect(found[0]).toMatchObject({ metrics: v1Metrics.length, answered_ratio: 1 });
    expect(found[1]).toMatchObject({ metrics: v1Metrics.length, answered: 24 * others.length });
  });

  it('what nobody wants any more is not judged', async () => {
    const want = (granularity: string, start: number, tokens: readonly string[]) =>
      database.pool.query(
        `insert into cryptoracle.wanted (granularity, history_start, settle_delay, tokens, metrics)
         values ($1, $2, interval '15 minutes', $3, $4)`,
        [granularity, new Date(start), tokens, ['CO-A-01-01']],
      );
    await want('1h', from + day - hour, ['BTC']);
    const first = await coverage('true');
    // The first whole day that is wanted is the second.
    expect(first[0]).toMatchObject({ day: formatBeijingDate(from + day), metrics: 1, answered_ratio: 0 });
    const judged = () =>
      rows(database, 'select distinct granularity, token from cryptoracle.coverage_daily order by 1, 2');
    expect(await judged()).toEqual([{ granularity: '1h', token: 'BTC' }]);
    await database.pool.query('delete from cryptoracle.wanted');
    await want('4h', from, ['BTC']);
    expect(await judged()).toEqual([]);
    await database.pool.query('delete from cryptoracle.wanted');
  });

  it('what is older than the pipeline keeps is not judged', async () => {
    const keepUntil = (start: number) =>
      database.pool.query(
        `insert into cryptoracle.wanted (granularity, history_start, settle_delay, tokens, metrics, keep)
         values ('1h', $1, interval '15 minutes', $2, $3, now() - $4::timestamptz)`,
        [new Date(from), ['BTC'], ['CO-A-01-01'], new Date(start)],
      );
    const firstDay = async () => (await coverage('true'))[0]?.day;
    await keepUntil(from - hour);
    expect(await firstDay()).toBe(formatBeijingDate(from));
    await database.pool.query('delete from cryptoracle.wanted');
    // Of the first day, a part is kept.
    await keepUntil(from + hour);
    expect(await firstDay()).toBe(formatBeijingDate(from + day));
    await database.pool.query('delete from cryptoracle.wanted');
  });
});
