import { beforeAll, beforeEach, expect, it } from 'vitest';
import { AnswerWriter } from '../../../src/store/answers/writer.ts';
import { Database } from '../../../src/store/connection/database.ts';
import { hour } from '../../support/clock.ts';
import { createTestDatabase, describeOnServers, rows, value } from '../../support/database.ts';
import { answer, clear, mentions, row, start, storedRevisions, storedRows, valuesOf } from './answering.ts';

/** Longer than the column holds. */
const noInteger = 1e12;

describeOnServers('answers that wait to be stored', (kind) => {
  let database: Database;
  let writer: AnswerWriter;
  let commits = 0;

  beforeAll(async () => {
    database = await createTestDatabase(kind);
    database.observe((name) => {
      if (name === 'commit') commits++;
    });
  });
  beforeEach(async () => {
    await clear(database);
    writer = new AnswerWriter(database);
    commits = 0;
  });

  const ofWindow = (number: number, count: number, token = 'BTC') => {
    const from = start + number * hour;
    return answer({
      from,
      to: from + hour,
      tokens: [token],
      rows: [row(token, from, { [mentions]: count })],
    });
  };

  it('share transactions, and each is told what was written of it', async () => {
    const windows = Array.from({ length: 40 }, (_, number) => number);
    const written = await Promise.all(windows.map((number) => writer.store(ofWindow(number, number + 1))));
    expect(written).toEqual(windows.map(() => ({ rowsWritten: 1, revisions: 0 })));
    const stored = await storedRows(database);
    expect(stored.map((each) => valuesOf(each)[mentions])).toEqual(windows.map((number) => number + 1));
    expect(commits).toBeLessThan(10);
    // Each has its own line in the log, and all of them are answered.
    expect(
      await value(database, 'select count(*)::int from cryptoracle.requests where rows_written = 1'),
    ).toBe(40);
    const covered = `select bool_and(answered = tstzmultirange(tstzrange($1, $2))) from cryptoracle.coverage where token = 'BTC'`;
    expect(await value(database, covered, [new Date(start), new Date(start + 40 * hour)])).toBe(true);
  });

  it('wait for one about the same tokens, whose locks they would wait for, and then share a transaction', async () => {
    await Promise.all([0, 1, 2, 3].map((number) => writer.store(ofWindow(number, 1))));
    expect(commits).toBe(2);
  });

  it('take turns where they are about the same cells: the later one revises', async () => {
    const first = ofWindow(0, 1);
    const later = { ...ofWindow(0, 2), receivedAt: first.receivedAt + 60_000 };
    const written = await Promise.all([first, later].map((each) => writer.store(each)));
    expect(written).toEqual([
      { rowsWritten: 1, revisions: 0 },
      { rowsWritten: 1, revisions: 1 },
    ]);
    expect(await storedRevisions(database)).toMatchObject([{ metric: mentions, old: 1, new: 2 }]);
  });

  it('do not suffer from one among them that cannot be stored', async () => {
    const sound = [0, 1, 2, 3].map((number) => ofWindow(number, 7));
    const spoilt = ofWindow(9, 7);
    const log = spoilt.log && { ...spoilt.log, milliseconds: noInteger };
    const results = await Promise.allSettled(
      [...sound.slice(0, 2), { ...spoilt, log }, ...sound.slice(2)].map((each) => writer.store(each)),
    );
    expect(results.map(({ status }) => status)).toEqual([
      ...['fulfilled', 'fulfilled', 'rejected', 'fulfilled', 'fulfilled'],
    ]);
    expect(await storedRows(database)).toHaveLength(4);
    expect(await value(database, 'select count(*)::int from cryptoracle.requests')).toBe(4);
  });

  it('revise rows that are there though the ledger knows nothing of them', async () => {
    await rows(
      database,
      `insert into cryptoracle.metrics_1h (time, token, mention_count, first_seen_at, updated_at)
       values ($1, 'BTC', 5, $1, $1)`,
      [new Date(start)],
    );
    const written = await Promise.all([0, 1].map((number) => writer.store(ofWindow(number, 6))));
    expect(written).toEqual([
      { rowsWritten: 1, revisions: 1 },
      { rowsWritten: 1, revisions: 0 },
    ]);
    expect((await storedRows(database)).map((each) => valuesOf(each)[mentions])).toEqual([6, 6]);
  });

  it('write nothing but the log when they come again unchanged', async () => {
    const answers = [0, 1, 2].map((number) => ofWindow(number, number));
    await Promise.all(answers.map((each) => writer.store(each)));
    const versions = 'select array_agg(xmin::text || xmax::text order by time) from cryptoracle.metrics_1h';
    const before = await value(database, versions);
    expect(await Promise.all(answers.map((each) => writer.store(each)))).toEqual(
      answers.map(() => ({ rowsWritten: 0, revisions: 0 })),
    );
    // Not even a lock was put on them, as an update without effect would.
    expect(await value(database, versions)).toEqual(before);
  });

  it('fail together where the database is away', async () => {
    const away = new Database('postgresql://postgres@127.0.0.1:1/none', { connections: 1 });
    const gone = new AnswerWriter(away);
    const results = await Promise.allSettled([0, 1, 2].map((number) => gone.store(ofWindow(number, 1))));
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
    await away.close();
  });
});
