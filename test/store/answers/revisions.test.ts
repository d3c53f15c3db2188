import { beforeAll, beforeEach, expect, it } from 'vitest';
import { type MetricCode, metricCodes } from '../../../src/catalog/index.ts';
import { storeAnswer } from '../../../src/store/answers/write.ts';
import type { Database } from '../../../src/store/connection/database.ts';
import { day, hour } from '../../support/clock.ts';
import { createTestDatabase, describeOnServers, rows } from '../../support/database.ts';
import {
  type AnswerParts,
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

const firstEight = metricCodes.slice(0, 8);
const lastFive = metricCodes.slice(8);
const numbers = (codes: readonly MetricCode[]): Values =>
  Object.fromEntries(codes.map((code, position) => [code, position + 1]));

describeOnServers('revisions', (kind) => {
  let database: Database;
  beforeAll(async () => {
    database = await createTestDatabase(kind);
  });
  beforeEach(() => clear(database));
  const store = (parts: AnswerParts) => storeAnswer(database, answer(parts));
  const seenLater = () =>
    rows(
      database,
      `select metric, since::timestamptz as since
       from cryptoracle.metrics_1h, jsonb_each_text(seen_later) as later (metric, since) order by time, metric`,
    );

  it('keep the old value of one that changed, and say when', async () => {
    const late = start + 3 * hour + 123;
    await store({ rows: [row('BTC', start, { [mentions]: 7, [consensus]: 0.5 })] });
    const stored = await store({
      rows: [row('BTC', start, { [mentions]: 8, [consensus]: 0.5 })],
      receivedAt: late,
    });
    expect(stored).toEqual({ rowsWritten: 1, revisions: 1 });
    expect(await storedRevisions(database)).toEqual([
      { token: 'BTC', time: new Date(start), metric: mentions, old: 7, new: 8, revised_at: new Date(late) },
    ]);
    const [found] = await storedRows(database);
    expect(valuesOf(found)).toEqual({ [mentions]: 8, [consensus]: 0.5 });
    expect(found).toMatchObject({
      first_seen_at: new Date(start + 2 * hour + 5 * 60_000),
      updated_at: new Date(late),
    });
  });

  it('are written once for each metric that changed', async () => {
    const before = numbers(metricCodes);
    const after = Object.fromEntries(metricCodes.map((code) => [code, (before[code] ?? 0) + 0.5]));
    await store({ rows: [row('BTC', start, before)] });
    const stored = await store({ rows: [row('BTC', start, after)] });
    expect(stored).toEqual({ rowsWritten: 1, revisions: metricCodes.length });
    const found = await storedRevisions(database);
    expect(Object.fromEntries(found.map(({ metric, old }) => [metric, old]))).toEqual(before);
    expect(Object.fromEntries(found.map((each) => [each.metric, each.new]))).toEqual(after);
  });

  it('tell of a value that was asked for in vain, where other values of its row were there', async () => {
    await store({ rows: [row('BTC', start, { [mentions]: 7 })] });
    const stored = await store({ rows: [row('BTC', start, { [mentions]: 7, [consensus]: 0.5 })] });
    expect(stored).toEqual({ rowsWritten: 1, revisions: 1 });
    expect(await storedRevisions(database)).toMatchObject([{ metric: consensus, old: null, new: 0.5 }]);
  });

  it('tell of a value that was asked for in vain, where its row was not there', async () => {
    await store({ rows: [] });
    const stored = await store({
      rows: [row('BTC', start + hour, { [mentions]: 7 })],
      receivedAt: start + day,
    });
    expect(stored).toEqual({ rowsWritten: 1, revisions: 1 });
    expect(await storedRevisions(database)).toEqual([
      {
        token: 'BTC',
        time: new Date(start + hour),
        metric: mentions,
        old: null,
        new: 7,
        revised_at: new Date(start + day),
      },
    ]);
  });

  it('tell of a late value only in the windows, tokens, metrics and granularity that were asked for', async () => {
    await store({ tokens: ['BTC'], metrics: [mentions], rows: [], to: start + hour });
    await store({
      tokens: ['BTC', 'ETH'],
      to: start + 3 * hour,
      rows: [
        row('BTC', start, { [mentions]: 1, [consensus]: 0.1 }),
        row('BTC', start + hour, { [mentions]: 2 }),
        row('ETH', start, { [mentions]: 3 }),
      ],
    });
    await store({ granularity: '15m', to: start + hour, rows: [row('BTC', start, { [mentions]: 4 })] });
    expect(await storedRevisions(database)).toMatchObject([
      { token: 'BTC', time: new Date(start), metric: mentions, old: null, new: 1 },
    ]);
  });

  it('are not written for first answers', async () => {
    const windows = [0, 1, 2].map((number) => start + number * hour);
    const stored = await store({
      tokens: ['BTC', 'ETH'],
      to: start + 3 * hour,
      rows: windows.flatMap((time) => [
        row('BTC', time, numbers(metricCodes)),
        row('ETH', time, numbers(lastFive)),
      ]),
    });
    expect(stored).toEqual({ rowsWritten: 6, revisions: 0 });
    expect(await storedRevisions(database)).toEqual([]);
  });

  it.each([
    ['observed', start],
    ['backfilled', start + 100 * day],
  ])(
    'are not written for first answers that come in two parts about %s windows',
    async (name, observedFrom) => {
      const receivedAt = name === 'observed' ? start + 2 * hour : observedFrom + hour;
      const both = [start, start + hour];
      await store({
        metrics: firstEight,
        rows: both.map((time) => row('BTC', time, numbers(firstEight))),
        observedFrom,
        receivedAt,
      });
      const second = await store({
        metrics: lastFive,
        rows: both.map((time) => row('BTC', time, numbers(lastFive))),
        observedFrom: observedFrom + 60_000 * (name === 'observed' ? 0 : 1),
        receivedAt: receivedAt + 60_000,
      });
      expect(second).toEqual({ rowsWritten: 2, revisions: 0 });
      expect(await storedRevisions(database)).toEqual([]);
      const found = await storedRows(database);
      expect(valuesOf(found[1])).toEqual({ ...numbers(firstEight), ...numbers(lastFive) });
      expect(found[1]?.backfilled).toBe(name === 'backfilled');
    },
  );

  it('are not written where the first part was just in time to be observed, and the second is not', async () => {
    const receivedAt = start + 8 * hour;
    const boundary = { receivedAt: receivedAt + 60_000, observedFrom: start + 60_000 };
    await store({
      metrics: firstEight,
      rows: [row('BTC', start, numbers(firstEight))],
      receivedAt,
      observedFrom: start,
    });
    const second = await store({
      metrics: lastFive,
      rows: [row('BTC', start, numbers(lastFive))],
      ...boundary,
    });
    expect(second).toEqual({ rowsWritten: 1, revisions: 0 });
    expect((await storedRows(database))[0]?.backfilled).toBe(false);
  });

  it.each([
    ['observed', false],
    ['backfilled', true],
  ])('leave it to seen_later when a metric first came to a row that was %s', async (_, backfilled) => {
    const history = backfilled ? { observedFrom: start + day } : {};
    await store({ metrics: firstEight, rows: [row('BTC', start, numbers(firstEight))], ...history });
    const months = start + 90 * day + 123;
    const added = await store({
      metrics: [consensus],
      rows: [row('BTC', start, { [consensus]: 0.5 })],
      receivedAt: months,
      observedFrom: months - 6 * hour,
    });
    expect(added).toEqual({ rowsWritten: 1, revisions: 0 });
    expect(await storedRevisions(database)).toEqual([]);
    const [found] = await storedRows(database);
    expect(found).toMatchObject({ backfilled, first_seen_at: new Date(start + 2 * hour + 5 * 60_000) });
    expect(await seenLater()).toEqual([{ metric: 'sentiment_consensus', since: new Date(months) }]);
  });

  it('and seen_later tell of a value that came late to its row after it had been asked for in vain', async () => {
    await store({ rows: [row('BTC', start, { [mentions]: 7 })] });
    const late = start + 9 * hour;
    await store({ rows: [row('BTC', start, { [mentions]: 8, [consensus]: 0.5 })], receivedAt: late });
    expect(await seenLater()).toEqual([{ metric: 'sentiment_consensus', since: new Date(late) }]);
    await store({ rows: [row('BTC', start, { [consensus]: 0.75 })], receivedAt: late + hour });
    expect(await seenLater()).toEqual([{ metric: 'sentiment_consensus', since: new Date(late) }]);
  });

  it('never precede what was known before, whichever clock is behind', async () => {
    const ahead = start + 9 * hour;
    await store({ rows: [row('BTC', start, { [mentions]: 1 })], receivedAt: ahead });
    await store({
      rows: [row('BTC', start, { [mentions]: 2, [consensus]: 0.5 })],
      receivedAt: ahead - 60_000,
    });
    expect((await storedRevisions(database)).map((each) => each.revised_at)).toEqual([
      new Date(ahead),
      new Date(ahead),
    ]);
    expect(await seenLater()).toEqual([{ metric: 'sentiment_consensus', since: new Date(ahead) }]);
    expect((await storedRows(database))[0]?.updated_at).toEqual(new Date(ahead));
  });

  it('are written for values of rows that the ledger knows nothing of', async () => {
    const beside = answer({ rows: [row('BTC', start, { [mentions]: 1 })] });
    await storeAnswer(database, { ...beside, isOnGrid: false });
    const both = [row('BTC', start, { [mentions]: 2 }), row('BTC', start + hour, { [mentions]: 3 })];
    expect(await store({ rows: both, receivedAt: start + 9 * hour })).toEqual({
      rowsWritten: 2,
      revisions: 1,
    });
    expect(await storedRevisions(database)).toMatchObject([{ metric: mentions, old: 1, new: 2 }]);
  });

  it('tell of a value of a backfilled row that changed', async () => {
    const months = start + 90 * day;
    const history = { receivedAt: months, observedFrom: months - 6 * hour };
    await store({ rows: [row('BTC', start, { [mentions]: 1 })], ...history });
    await store({ rows: [row('BTC', start, { [mentions]: 2 })], ...history });
    expect(await storedRevisions(database)).toMatchObject([{ metric: mentions, old: 1, new: 2 }]);
  });

  it('of a value that moves to and fro tell each move', async () => {
    for (const number of [1, 2, 1, 2]) await store({ rows: [row('BTC', start, { [mentions]: number })] });
    expect((await storedRevisions(database)).map(({ old, new: now }) => [old, now])).toEqual([
      [1, 2],
      [2, 1],
      [1, 2],
    ]);
  });

  it('allow every state that the table had to be told again', async () => {
    const states: Values[] = [];
    for (let step = 0; step < 12; step++) {
      const values: Values = {};
      if (step % 2 === 0) values[mentions] = Math.floor(step / 4);
      if (step % 3 === 0) values[consensus] = step;
      await store({ rows: [row('BTC', start, values)], receivedAt: start + 2 * hour + step * 60_000 });
      states.push(valuesOf((await storedRows(database))[0]));
    }
    const told = await storedRevisions(database);
    const now = states.at(-1) ?? {};
    for (const [step, state] of states.entries()) {
      const at = start + 2 * hour + step * 60_000;
      const asOf: Record<string, number | null | undefined> = { ...now };
      for (const { metric, old, revised_at } of told.toReversed())
        if (revised_at.getTime() > at) asOf[metric] = old;
      const present = Object.entries(asOf).filter(([, number]) => number !== null);
      expect(Object.fromEntries(present), `step ${step}`).toEqual(state);
    }
  });
});

describeOnServers('answers about the same cells at the same time', (kind) => {
  let database: Database;
  beforeAll(async () => {
    database = await createTestDatabase(kind);
  });
  beforeEach(() => clear(database));

  it('end with one value and one revision for each cell, without a deadlock', async () => {
    const tokens = ['AAA', 'BBB', 'CCC', 'DDD'];
    for (let round = 0; round < 20; round++) {
      const from = start + round * hour;
      const tell = (order: readonly string[], number: number) =>
        storeAnswer(
          database,
          answer({
            tokens: order,
            from,
            to: from + hour,
            rows: order.map((token) => row(token, from, { [mentions]: number })),
            tags: ['CO-B-01-04'],
            tagValues: order.map((token) => ({
              token: row(token, from, {}).token,
              tag: 'CO-B-01-04',
              value: `tag ${number}`,
            })),
          }),
        );
      const both = await Promise.all([tell(tokens, 1), tell(tokens.toReversed(), 2)]);
      expect(both.map(({ rowsWritten }) => rowsWritten)).toEqual([4, 4]);
      expect(both.map(({ revisions }) => revisions).sort()).toEqual([0, 4]);
    }
    const found = await storedRows(database);
    const told = await storedRevisions(database);
    expect(found).toHaveLength(80);
    expect(told).toHaveLength(80);
    for (const { token, time, mention_count } of found) {
      const revision = told.find((each) => each.token === token && each.time.getTime() === time.getTime());
      expect(revision).toMatchObject({
        metric: mentions,
        old: 3 - Number(mention_count),
        new: mention_count,
      });
    }
  });
});
