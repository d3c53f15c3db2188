import { beforeAll, beforeEach, expect, it } from 'vitest';
import { asToken } from '../../../src/catalog/index.ts';
import { runQualityChecks } from '../../../src/store/answers/quality/index.ts';
import { storeAnswer } from '../../../src/store/answers/write.ts';
import type { Database } from '../../../src/store/connection/database.ts';
import { readGaps } from '../../../src/store/ledger/coverage.ts';
import { storeDesiredScope } from '../../../src/store/ledger/desired-scope.ts';
import { noticeDropped } from '../../../src/store/ledger/dropped.ts';
import { removeOld } from '../../../src/store/ledger/retention.ts';
import { readReportedGaps } from '../../../src/store/reports/gaps.ts';
import { readCurrentStatus } from '../../../src/store/reports/status.ts';
import { day, hour } from '../../support/clock.ts';
import { createTestDatabase, describeOnServers, rows, value } from '../../support/database.ts';
import { answer, mentions, row, start } from '../answers/answering.ts';

/** 200 days from `start` on: more than one chunk of 1h. */
const days = 200;
const end = start + days * day;
const never = 40_000 * day;
const keepNotes = {
  requests: never,
  revisions: never,
  quarantine: never,
  quality_notes: never,
  events: never,
};
const tokens = ['BTC', 'ETH'].map(asToken);
const iso = (instant: number) => new Date(instant).toISOString();

describeOnServers('values that are gone', (kind) => {
  let database: Database;
  beforeAll(async () => {
    database = await createTestDatabase(kind);
  });

  const all = { granularity: '1h', tokens, metrics: [mentions], interval: { start, end } } as const;
  const desired = (keep = {}) => ({
    ...{ granularities: ['1h'] as const, tokens, metrics: [mentions] as const, tags: [] },
    ...{ historyStart: start, apiVersion: 'v1' as const, settleDelay: 0, keep },
  });
  const remove = (keep = {}, notes = {}) =>
    removeOld(database, { keep, keepNotes: { ...keepNotes, ...notes } }, end, new AbortController().signal);
  const notice = (refetch = false) => noticeDropped(database, end, { refetch });
  const missing = async () =>
    (await readGaps(database, all)).map(({ interval, tokens: of }) => ({ ...interval, of: of.length }));
  const reported = async () =>
    (
      await readReportedGaps(
        database,
        all,
        ['not asked yet', 'dropped here', 'empty at the source', "before the token's history"],
        end,
      )
    ).map(({ interval, reason }) => ({ ...interval, reason }));
  const fill = async (from = start, to = end) => {
    for (const token of tokens) {
      const count = (to - from) / hour;
      const filled = Array.from({ length: count }, (_, n) => row(token, from + n * hour, { [mentions]: 7 }));
      await storeAnswer(database, answer({ tokens: [token], metrics: [mentions], from, to, rows: filled }));
    }
    await runQualityChecks(database, end);
  };

  beforeEach(async () => {
    const tables = ['metrics_1h', 'coverage', 'dropped', 'stored_days', 'requests', 'quality_due', 'wanted'];
    await database.pool.query(`truncate ${tables.map((table) => `cryptoracle.${table}`).join(', ')}`);
    await fill();
  });

  it('were removed by retention: they are no longer wanted, no gap, and not taken for dropped', async () => {
    const keep = { '1h': 100 * day };
    const removed = await remove(keep);
    expect(removed).toMatchObject([{ what: '1h' }]);
    const oldest = await value<Date>(database, 'select min(time) from cryptoracle.metrics_1h');
    const kept = end - 100 * day;
    // Chunks of 90 days go whole; a plain table loses whole days.
    expect(oldest.getTime()).toBeLessThanOrEqual(kept);
    expect(oldest.getTime()).toBeGreaterThan(kept - (kind === 'TimescaleDB' ? 91 : 1) * day);
    expect(
      await value(database, "select lower(answered) from cryptoracle.coverage where token = 'BTC'"),
    ).toEqual(oldest);
    expect(await notice()).toEqual([]);
    expect(await rows(database, 'select * from cryptoracle.dropped')).toEqual([]);
    const status = await readCurrentStatus(database, desired(keep), end);
    expect(status.granularities).toMatchObject([
      { wanted: 2 * 100 * 24, answered: 2 * 100 * 24, dropped: 0 },
    ]);
    expect(await remove(keep)).toEqual([]);
  });

  it('were removed by retention: the view gaps looks no further back', async () => {
    const age = Date.now() - end + 100 * day;
    await storeDesiredScope(database, { ...desired({ '1h': age }), tokens });
    await database.pool.query(
      "insert into cryptoracle.tokens (token, name, position, first_listed_at, last_listed_at) values ('BTC', '', 1, now(), now()), ('ETH', '', 2, now(), now()) on conflict do nothing",
    );
    await remove({ '1h': 100 * day });
    const old = `select reason from cryptoracle.gaps where granularity = '1h' and windows_from < '${iso(end - 101 * day)}'`;
    expect(await rows(database, old)).toEqual([]);
  });

  it('were truncated by somebody: that is noticed and told, and nothing is fetched again by itself', async () => {
    await database.pool.query('truncate cryptoracle.metrics_1h');
    expect(await notice()).toMatchObject([{ granularity: '1h' }]);
    expect(await missing()).toEqual([]);
    expect(await reported()).toEqual([{ start, end, reason: 'dropped here' }]);
    const status = await readCurrentStatus(database, desired(), end);
    expect(status.granularities).toMatchObject([
      { wanted: 2 * days * 24, answered: 0, dropped: 2 * days * 24 },
    ]);
    expect(await notice()).toEqual([]);
  });

  it('were removed in part: the rest and what comes later are as before', async () => {
    const [from, to] = [start + 8 * hour + 30 * day, start + 8 * hour + 60 * day];
    // What drop_chunks leaves, wherever chunks begin.
    await database.pool.query('delete from cryptoracle.metrics_1h where time >= $1 and time < $2', [
      iso(from),
      iso(to),
    ]);
    expect(await notice()).toEqual([{ granularity: '1h', days: 30 }]);
    expect(await reported()).toEqual([{ start: from, end: to, reason: 'dropped here' }]);
    const later = { ...all, interval: { start, end: end + hour } };
    expect((await readGaps(database, later)).map(({ interval }) => interval)).toEqual([
      { start: end, end: end + hour },
    ]);
  });

  it.runIf(kind === 'TimescaleDB')('were dropped by drop_chunks', async () => {
    await database.pool.query("select drop_chunks('cryptoracle.metrics_1h', older_than => $1::timestamptz)", [
      iso(start + 120 * day),
    ]);
    expect(await notice()).toHaveLength(1);
    const [told] = await reported();
    expect(told).toMatchObject({ start, reason: 'dropped here' });
    expect(await missing()).toEqual([]);
  });

  it('are gaps like others where that is set, also what was noticed before', async () => {
    await database.pool.query('truncate cryptoracle.metrics_1h');
    await notice();
    await notice(true);
    expect(await missing()).toEqual([{ start, end, of: 2 }]);
    await fill();
    expect(await missing()).toEqual([]);
    await database.pool.query('truncate cryptoracle.metrics_1h');
    expect(await notice(true)).toHaveLength(1);
    expect(await missing()).toEqual([{ start, end, of: 2 }]);
  });

  it('are back when they were fetched again', async () => {
    await database.pool.query('truncate cryptoracle.metrics_1h');
    await notice();
    // As `backfill --refresh` asks: by a ledger of its own.
    expect((await readGaps(database, all, { refreshOf: 1 })).map(({ interval }) => interval)).toEqual([
      { start, end },
    ]);
    await fill();
    expect(await reported()).toEqual([]);
    expect((await readCurrentStatus(database, desired(), end)).granularities).toMatchObject([{ dropped: 0 }]);
  });

  it('are notes of the program that are older than they are kept', async () => {
    const at = (age: number) => iso(end - age * day);
    await database.pool.query('truncate cryptoracle.requests');
    for (const age of [500, 390, 1]) {
      await database.pool.query(
        `insert into cryptoracle.requests (sent_at, what, lane, outcome, milliseconds) values ('${at(age)}', 'values', 'live', 'answered', 1)`,
      );
    }
    expect(await remove({}, { requests: 400 * day })).toEqual([{ what: 'requests', removed: 1 }]);
    const status = await readCurrentStatus(database, desired(), end);
    const [requests] = status.notes;
    expect(requests).toMatchObject({ table: 'requests', rows: 2 });
    expect(requests?.rowsPerYear).toBe(Math.round((2 * 365) / 390));
    expect(requests?.bytes).toBeGreaterThan(0);
  });
});
