import { beforeAll, beforeEach, expect, it } from 'vitest';
import { decodeAnswer } from '../../../src/api/decode.ts';
import { formatBeijing } from '../../../src/beijing.ts';
import { granularities, metricCodes, windowLength } from '../../../src/catalog/index.ts';
import { storeAnswer } from '../../../src/store/answers/write.ts';
import type { Database } from '../../../src/store/connection/database.ts';
import { day, hour } from '../../support/clock.ts';
import { createTestDatabase, describeOnServers, rows, value } from '../../support/database.ts';
import {
  answer,
  clear,
  consensus,
  mentions,
  row,
  start,
  storedRevisions,
  storedRows,
  type Values,
  valuesOf,
} from './answering.ts';

describeOnServers('values of an answer', (kind) => {
  let database: Database;
  beforeAll(async () => {
    database = await createTestDatabase(kind);
  });
  beforeEach(() => clear(database));

  it.each(granularities)('land in the columns of their metrics in the table of %s', async (granularity) => {
    const values: Values = Object.fromEntries(metricCodes.map((code, position) => [code, position + 0.5]));
    const to = start + 2 * windowLength[granularity];
    const stored = await storeAnswer(
      database,
      answer({ granularity, to, rows: [row('BTC', start, values)], receivedAt: to + 90_000 }),
    );
    expect(stored).toEqual({ rowsWritten: 1, revisions: 0 });
    const found = await storedRows(database, granularity);
    expect(found).toHaveLength(1);
    expect(valuesOf(found[0])).toEqual(values);
    expect(found[0]).toMatchObject({
      token: 'BTC',
      time: new Date(start),
      first_seen_at: new Date(to + 90_000),
      updated_at: new Date(to + 90_000),
      backfilled: false,
    });
    for (const other of granularities.filter((each) => each !== granularity))
      expect(await storedRows(database, other)).toEqual([]);
  });

  it('are written once: the same answer again writes no row, no revision and one more line of the log', async () => {
    const rowsOf = [row('BTC', start, { [mentions]: 7 }), row('BTC', start + hour, { [mentions]: 8 })];
    const first = answer({ rows: rowsOf });
    await storeAnswer(database, first);
    const before = await rows(database, 'select xmin, * from cryptoracle.metrics_1h order by time');
    const again = await storeAnswer(database, answer({ rows: rowsOf, receivedAt: first.receivedAt + hour }));
    expect(again).toEqual({ rowsWritten: 0, revisions: 0 });
    expect(await rows(database, 'select xmin, * from cryptoracle.metrics_1h order by time')).toEqual(before);
    expect(await rows(database, 'select rows_written from cryptoracle.requests order by id')).toEqual([
      { rows_written: 2 },
      { rows_written: 0 },
    ]);
  });

  it('are logged with the call that brought them, once, and not at all where the call was logged before', async () => {
    await storeAnswer(database, answer({ rows: [row('BTC', start, { [mentions]: 7 })] }));
    await storeAnswer(database, answer({ log: undefined }));
    const log = await rows(
      database,
      'select sent_at, what, lane, granularity, windows_from, windows_to, tokens, metrics, outcome, code, records, rows_written, milliseconds, message from cryptoracle.requests',
    );
    expect(log).toEqual([
      {
        sent_at: new Date(start + 2 * hour + 5 * 60_000 - 12),
        what: 'values',
        lane: 'live',
        granularity: '1h',
        windows_from: new Date(start),
        windows_to: new Date(start + 2 * hour),
        tokens: ['BTC'],
        metrics: [...metricCodes],
        outcome: 'answered',
        code: 200,
        records: 1,
        rows_written: 1,
        milliseconds: 12,
        message: null,
      },
    ]);
  });

  it('stay when a later answer lacks them', async () => {
    await storeAnswer(database, answer({ rows: [row('BTC', start, { [mentions]: 7, [consensus]: 0.25 })] }));
    const later = await storeAnswer(database, answer({ rows: [row('BTC', start, { [mentions]: 9 })] }));
    expect(later).toEqual({ rowsWritten: 1, revisions: 1 });
    await storeAnswer(database, answer({ rows: [row('BTC', start, {})] }));
    await storeAnswer(database, answer({ rows: [] }));
    const [found] = await storedRows(database);
    expect(valuesOf(found)).toEqual({ [mentions]: 9, [consensus]: 0.25 });
  });

  it('of 0 are stored as 0 and never as NULL', async () => {
    const zeros: Values = Object.fromEntries(metricCodes.map((code) => [code, 0]));
    await storeAnswer(database, answer({ rows: [row('BTC', start, zeros)] }));
    const [found] = await storedRows(database);
    expect(valuesOf(found)).toEqual(zeros);
  });

  it('replace another one by 0, with a revision', async () => {
    await storeAnswer(database, answer({ rows: [row('BTC', start, { [mentions]: 5 })] }));
    await storeAnswer(database, answer({ rows: [row('BTC', start, { [mentions]: 0 })] }));
    expect(valuesOf((await storedRows(database))[0])).toEqual({ [mentions]: 0 });
    expect(await storedRevisions(database)).toMatchObject([{ metric: mentions, old: 5, new: 0 }]);
  });

  it.each([
    1e-12,
    -1e-12,
    0.1 + 0.2,
    1 / 3,
    5e-324,
    Number.MAX_VALUE,
    -Number.MAX_VALUE,
    2 ** 53,
    123456789012345680000,
  ])('such as %d are kept to the last bit', async (number) => {
    await storeAnswer(database, answer({ rows: [row('BTC', start, { [mentions]: number })] }));
    expect((await storedRows(database))[0]?.mention_count).toBe(number);
    const again = await storeAnswer(database, answer({ rows: [row('BTC', start, { [mentions]: number })] }));
    expect(again.rowsWritten).toBe(0);
  });

  it('of -0 count as 0: neither a change nor a revision', async () => {
    await storeAnswer(database, answer({ rows: [row('BTC', start, { [mentions]: -0 })] }));
    expect((await storedRows(database))[0]?.mention_count).toBeCloseTo(0, 300);
    const again = await storeAnswer(database, answer({ rows: [row('BTC', start, { [mentions]: 0 })] }));
    expect(again).toEqual({ rowsWritten: 0, revisions: 0 });
  });

  it('are marked as backfilled exactly where their windows started before the observed time', async () => {
    const windows = [0, 1, 2, 3].map((number) => start + number * hour);
    await storeAnswer(
      database,
      answer({
        to: start + 4 * hour,
        rows: windows.map((time) => row('BTC', time, { [mentions]: 1 })),
        observedFrom: start + 2 * hour,
      }),
    );
    const found = await storedRows(database);
    expect(found.map(({ backfilled }) => backfilled)).toEqual([true, true, false, false]);
  });

  it('that are asked for again later do not make an observed row a backfilled one, nor the reverse', async () => {
    const rowsOf = (number: number) =>
      [start, start + hour].map((time) => row('BTC', time, { [mentions]: number }));
    await storeAnswer(database, answer({ rows: rowsOf(1), observedFrom: start + hour }));
    await storeAnswer(
      database,
      answer({ rows: rowsOf(2), observedFrom: start + day, receivedAt: start + 2 * day }),
    );
    await storeAnswer(database, answer({ rows: rowsOf(3), observedFrom: start }));
    const found = await storedRows(database);
    expect(found.map(({ backfilled }) => backfilled)).toEqual([true, false]);
  });

  it('make no row where all of them are absent, but are entered as answered', async () => {
    const stored = await storeAnswer(
      database,
      answer({ rows: [row('BTC', start, {}), row('BTC', start + hour, { [mentions]: 3 })] }),
    );
    expect(stored.rowsWritten).toBe(1);
    expect((await storedRows(database)).map(({ time }) => time.getTime())).toEqual([start + hour]);
    expect(
      await value<number>(
        database,
        `select count(*)::int from cryptoracle.coverage
         where answered = tstzmultirange(tstzrange($1, $2))`,
        [new Date(start), new Date(start + 2 * hour)],
      ),
    ).toBe(metricCodes.length);
  });

  it('survive a duplicate among them: nothing else is dropped', async () => {
    const tokens = ['AAA', 'BBB', 'CCC'];
    const window = (time: number, number: number) => ({
      startTime: formatBeijing(time),
      endTime: formatBeijing(time + hour),
      data: [{ endpoint: mentions, value: String(number) }],
    });
    const whole = tokens.map((token, position) => ({
      token,
      endPoints: [window(start, position), window(start + hour, position + 10)],
    }));
    const duplicated = [...whole, { token: 'BBB', endPoints: [window(start, 1), window(start, 1)] }];
    const { request } = answer({ tokens });
    const decoded = decodeAnswer(duplicated, request);
    const stored = await storeAnswer(database, answer({ tokens, ...pick(decoded) }));
    expect(stored).toEqual({ rowsWritten: 6, revisions: 0 });
    const found = await storedRows(database);
    expect(found.map((each) => [each.token, each.time.getTime(), each.mention_count])).toEqual([
      ['AAA', start, 0],
      ['AAA', start + hour, 10],
      ['BBB', start, 1],
      ['BBB', start + hour, 11],
      ['CCC', start, 2],
      ['CCC', start + hour, 12],
    ]);
  });

  it.each(['quarantine', 'requests', 'coverage', 'token_tags', 'revisions'])(
    'are not stored, and not entered as answered, where %s cannot be written',
    async (table) => {
      await storeAnswer(database, answer({ rows: [row('BTC', start, { [mentions]: 1 })] }));
      const dump = () =>
        Promise.all(
          ['metrics_1h', 'coverage', 'revisions', 'quarantine', 'requests', 'token_tags'].map((name) =>
            rows(database, `select xmin::text, * from cryptoracle.${name} order by 2, 3, 4`),
          ),
        );
      const before = await dump();
      await database.pool.query(`
        create function refuse() returns trigger language plpgsql as
          $$ begin raise exception 'refused by the test'; end $$;
        create trigger refuse before insert or update on cryptoracle.${table}
          for each row execute function refuse()`);
      try {
        const failing = storeAnswer(
          database,
          answer({
            to: start + 3 * hour,
            rows: [row('BTC', start, { [mentions]: 2 }), row('BTC', start + 2 * hour, { [mentions]: 3 })],
            tags: ['CO-B-01-04'],
            tagValues: [{ token: row('BTC', start, {}).token, tag: 'CO-B-01-04', value: 'DeFi' }],
            rejects: [
              {
                reason: 'malformed',
                part: 'window',
                token: 'BTC',
                time: start,
                metric: undefined,
                raw: { some: 'thing' },
              },
            ],
          }),
        );
        await expect(failing).rejects.toThrow();
        expect(await dump()).toEqual(before);
      } finally {
        await database.pool.query('drop function refuse cascade');
      }
    },
  );
});

function pick({ rows: decoded, rejects }: ReturnType<typeof decodeAnswer>) {
  return { rows: decoded, rejects };
}
