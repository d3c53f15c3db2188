import { beforeAll, beforeEach, expect, it } from 'vitest';
import {
  runQualityChecks as check,
  runQualityChecksIfFree,
} from '../../../src/store/answers/quality/index.ts';
import { storeAnswer } from '../../../src/store/answers/write.ts';
import { Database } from '../../../src/store/connection/database.ts';
import { hour } from '../../support/clock.ts';
import { createTestDatabase, describeOnServers, rows, value } from '../../support/database.ts';
import { type AnswerParts, answer, clear, row, start, storedRows, type Values } from './answering.ts';

const rank = 'CO-A-01-01';
const mentions = 'CO-A-01-05';
const messages = 'CO-A-01-03';
const share = 'CO-A-01-09';
const positive = 'CO-A-02-01';
const negative = 'CO-A-02-02';
const net = 'CO-A-02-03';
const later = start + 30 * hour;

/** Checks everything that is due. @returns how many notes were added */
async function runQualityChecks(database: Database, now: number, signal?: AbortSignal): Promise<number> {
  return (await check(database, now, signal)).added;
}

describeOnServers('quality notes', (kind) => {
  let database: Database;
  beforeAll(async () => {
    database = await createTestDatabase(kind);
  });
  beforeEach(async () => {
    await clear(database);
    await database.pool.query(
      'truncate cryptoracle.quality_notes, cryptoracle.quality_due, cryptoracle.quality_rules',
    );
  });

  const store = (parts: AnswerParts) => storeAnswer(database, answer({ to: start + 24 * hour, ...parts }));
  const storeValues = (values: Values, time = start, token = 'BTC') =>
    store({ tokens: [token], rows: [row(token, time, values)] });
  /** Stores windows of one token, one after the other, from a number of windows after the start on. */
  const storeMany = (count: number, valuesOf: (number: number) => Values, from = 0) => {
    const at = start + from * hour;
    return store({
      ...{ from: at, to: at + count * hour },
      rows: Array.from({ length: count }, (_, number) => row('BTC', at + number * hour, valuesOf(number))),
    });
  };
  const noted = () =>
    rows(
      database,
      'select token, time, metric, note, value, detail from cryptoracle.quality_notes order by time, token, metric, note',
    );

  it.each<[string, Values, { metric: string; value: number; detail: string }]>([
    ['a share above 1', { [share]: 1.01 }, { metric: share, value: 1.01, detail: 'not within 0 to 1' }],
    ['a share below 0', { [share]: -0.2 }, { metric: share, value: -0.2, detail: 'not within 0 to 1' }],
    ['a net sentiment below -1', { [net]: -1.5 }, { metric: net, value: -1.5, detail: 'not within -1 to 1' }],
    ['a rank of 0', { [rank]: 0 }, { metric: rank, value: 0, detail: 'not within 1 to ∞' }],
    ['a count below 0', { [mentions]: -3 }, { metric: mentions, value: -3, detail: 'not within 0 to ∞' }],
  ])('tell of %s, which is stored all the same', async (_, values, expected) => {
    await storeValues(values);
    expect(await runQualityChecks(database, later)).toBe(1);
    expect(await noted()).toEqual([
      { token: 'BTC', time: new Date(start), note: 'outside its range', ...expected },
    ]);
    expect(await storedRows(database)).toHaveLength(1);
  });

  it('tell where net sentiment is not positive minus negative, but not of rounding', async () => {
    await storeValues({ [positive]: 0.61, [negative]: 0.22, [net]: 0.3 });
    await storeValues({ [positive]: 0.61, [negative]: 0.22, [net]: 0.405 }, start + hour);
    await storeValues({ [positive]: 0.61, [net]: -0.9 }, start + 2 * hour);
    await runQualityChecks(database, later);
    expect(await noted()).toMatchObject([
      {
        time: new Date(start),
        metric: net,
        note: 'not positive minus negative',
        value: 0.3,
        detail: '0.61 - 0.22',
      },
    ]);
  });

  it('tell where a token has more mentions than the one ranked before it, among all tokens of the window', async () => {
    const places: [string, number | null, number | null][] = [
      ['BTC', 1, 500],
      ['ETH', 2, 400],
      ['XRP', 3, 450],
      ['SOL', 4, 100],
      ['ADA', 4, 120],
      ['DOT', null, 900],
      ['UNI', 9, null],
    ];
    for (const [token, place, count] of places) {
      await storeValues({ [rank]: place, [mentions]: count, [messages]: 1 }, start, token);
    }
    await runQualityChecks(database, later);
    expect(await noted()).toEqual([
      {
        token: 'XRP',
        time: new Date(start),
        metric: rank,
        note: 'rank out of order with mentions',
        value: 3,
        detail: '450 mentions, but 400 on the place before',
      },
    ]);
  });

  it('tell of counts that fall to zero from one window to the next, but not of small ones, nor after a hole', async () => {
    await storeValues({ [mentions]: 40, [messages]: 9 });
    await storeValues({ [mentions]: 0, [messages]: 0 }, start + hour);
    await storeValues({ [mentions]: 50 }, start + 2 * hour);
    await storeValues({ [mentions]: 0 }, start + 4 * hour);
    await runQualityChecks(database, later);
    expect(await noted()).toEqual([
      {
        token: 'BTC',
        time: new Date(start + hour),
        metric: mentions,
        note: 'fell to zero at once',
        value: 0,
        detail: '40 in the window before',
      },
    ]);
  });

  it('tell of a fall when the window before it comes later than it', async () => {
    await storeValues({ [mentions]: 0 }, start + hour);
    await runQualityChecks(database, later);
    expect(await noted()).toEqual([]);
    await store({ to: start + hour, rows: [row('BTC', start, { [mentions]: 25 })] });
    await runQualityChecks(database, later);
    expect(await noted()).toMatchObject([{ time: new Date(start + hour), note: 'fell to zero at once' }]);
  });

  it('go when the value is corrected, stay with their first time where it is not, and are made once', async () => {
    await storeValues({ [share]: 1.5, [positive]: 1.2 });
    expect(await runQualityChecks(database, later)).toBe(2);
    await storeValues({ [share]: 0.5 });
    expect(await runQualityChecks(database, later + hour)).toBe(0);
    expect(await rows(database, 'select metric, noted_at from cryptoracle.quality_notes')).toEqual([
      { metric: positive, noted_at: new Date(later) },
    ]);
    expect(await runQualityChecks(database, later + 2 * hour)).toBe(0);
  });

  it('are looked for only where something was written', async () => {
    await storeValues({ [share]: 0.5 });
    expect(await value(database, 'select count(*)::int from cryptoracle.quality_due')).toBe(1);
    await storeValues({ [share]: 0.5 });
    await store({ rows: [] });
    expect(await value(database, 'select count(*)::int from cryptoracle.quality_due')).toBe(1);
    await runQualityChecks(database, later);
    expect(await value(database, 'select count(*)::int from cryptoracle.quality_due')).toBe(0);
  });

  it('miss nothing though many answers wait and two look at once', async () => {
    for (let number = 0; number < 130; number++) {
      const time = start + number * hour;
      await store({ from: time, to: time + hour, rows: [row('BTC', time, { [share]: 2 })] });
    }
    await Promise.all([runQualityChecks(database, later), runQualityChecks(database, later)]);
    expect(await noted()).toHaveLength(130);
  });

  it('are looked for once in a window, however many answers brought its tokens', async () => {
    const tokens = Array.from({ length: 120 }, (_, number) => `T${number}`);
    for (const token of tokens) {
      await store({ tokens: [token], rows: [row(token, start, { [share]: 2 })] });
    }
    let looks = 0;
    const observe = (name: string) => {
      if (name === 'read quality rules') looks++;
    };
    const observed = new Database(database.url, { connections: 3, observe });
    try {
      expect(await runQualityChecks(observed, later)).toBe(120);
    } finally {
      await observed.close();
    }
    expect(looks).toBe(1);
    expect(await value(database, 'select count(*)::int from cryptoracle.quality_due')).toBe(0);
  });

  it('of a rule that fires on more than 5 % of the rows are removed, and the rule is told with its rate', async () => {
    await storeMany(1200, (number) =>
      number % 10 === 0 ? { [share]: 25, [rank]: 1 } : { [share]: 0.5, [rank]: 1 },
    );
    const { changes } = await check(database, later);
    expect(changes).toMatchObject([
      { granularity: '1h', metric: share, note: 'outside its range', isSuspended: true },
    ]);
    expect(await noted()).toEqual([]);
    const [kept] = await rows<{ rate: number; suspended_since: Date; examples: object[] }>(
      database,
      `select rows_found / rows_checked as rate, suspended_since, examples
       from cryptoracle.quality_rules where suspended_since is not null`,
    );
    expect(kept?.rate).toBeCloseTo(0.1, 2);
    expect(kept?.suspended_since).toEqual(new Date(later));
    expect(kept?.examples).toHaveLength(3);
    expect(kept?.examples[0]).toMatchObject({ token: 'BTC', value: 25, detail: 'not within 0 to 1' });
  });

  it('stay for a rule that fires on 5 % or less, and for other rules than the suspended one', async () => {
    await storeMany(1200, (number) => ({
      [share]: number % 25 === 0 ? 25 : 0.5,
      [positive]: number === 7 ? 1.5 : 0.5,
    }));
    expect((await check(database, later)).changes).toEqual([]);
    expect(await noted()).toHaveLength(49);
    await storeMany(1200, () => ({ [share]: 25, [positive]: 0.5 }), 1200);
    expect((await check(database, later)).changes).toMatchObject([{ metric: share, isSuspended: true }]);
    expect(await noted()).toMatchObject([{ metric: positive, value: 1.5 }]);
  });

  it('are made again when a suspended rule fires seldom', async () => {
    // On one row of twelve.
    await storeMany(1200, (number) => ({ [share]: number % 12 === 0 ? 25 : 0.5 }));
    expect((await check(database, later)).changes).toMatchObject([{ isSuspended: true }]);
    // Two per cent of the rows are left in the end.
    await storeMany(4000, (number) => ({ [share]: number === 3999 ? 25 : 0.5 }), 1200);
    expect((await check(database, later)).changes).toMatchObject([{ metric: share, isSuspended: false }]);
    await storeMany(10, () => ({ [share]: 25 }), 5200);
    expect(await runQualityChecks(database, later)).toBe(10);
  });

  it('do not take longer with every row that earned one, though statistics are from when the tables were empty', async () => {
    await database.pool.query('analyze cryptoracle.metrics_1h, cryptoracle.quality_notes');
    // On a twenty-fifth of the rows each of eight rules fires: all of it is noted, and compared when it is found again.
    const doubtful = {
      [share]: 25,
      [net]: -5,
      [rank]: -1,
      [mentions]: -1,
      [messages]: -1,
      [positive]: 9,
      [negative]: 9,
    };
    await storeMany(15_700, (number) => (number % 25 === 0 ? doubtful : { [share]: 0.5 }));
    expect(await runQualityChecks(database, later)).toBe(8 * 628);
    await database.pool.query(
      "insert into cryptoracle.quality_due (granularity, windows) values ('1h', tstzrange($1, $2))",
      [new Date(start), new Date(start + 15_700 * hour)],
    );
    const started = performance.now();
    expect(await runQualityChecks(database, later)).toBe(0);
    // Less than a second on an idle machine; comparing each with each took minutes.
    expect(performance.now() - started).toBeLessThan(20_000);
    expect(await noted()).toHaveLength(8 * 628);
  });

  it('wait for nobody who is at it already, where the next look may do it', async () => {
    await storeValues({ [share]: 2 });
    await database.exclusively('look over', async () => {
      expect(await runQualityChecksIfFree(database, later)).toBeUndefined();
    });
    expect(await runQualityChecksIfFree(database, later)).toMatchObject({ added: 1 });
  });

  it('leave the rest for the next look when they are stopped', async () => {
    await storeValues({ [share]: 2 });
    expect(await runQualityChecks(database, later, AbortSignal.abort())).toBe(0);
    expect(await runQualityChecks(database, later)).toBe(1);
  });
});
