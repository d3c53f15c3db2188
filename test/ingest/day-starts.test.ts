import { beforeAll, beforeEach, expect, it } from 'vitest';
import { fillGaps } from '../../src/backfill/fill.ts';
import type { FillScope } from '../../src/backfill/scope.ts';
import { asToken, type DayStart } from '../../src/catalog/index.ts';
import { Packer } from '../../src/planning/packing.ts';
import { wantedWindows } from '../../src/planning/plan.ts';
import { startSimulator } from '../../src/simulator/index.ts';
import type { Database } from '../../src/store/connection/database.ts';
import { readGaps } from '../../src/store/ledger/coverage.ts';
import { readDayStart, readFacts, storeFact } from '../../src/store/ledger/facts.ts';
import { createIngestor } from '../support/api.ts';
import { v1Metrics } from '../support/catalogue.ts';
import { day, ManualClock } from '../support/clock.ts';
import { createTestDatabase, describeOnServers, rows, value } from '../support/database.ts';
import { onFileEnd } from '../support/releasers.ts';

const tokens = ['BTC', 'ETH', 'SOL'].map(asToken);
const range = { start: Date.UTC(2025, 4, 31, 16), end: Date.UTC(2025, 5, 10, 16) };
const clock = new ManualClock('2025-06-20T00:05:00Z');

describeOnServers('the start of the day', (kind) => {
  let database: Database;

  beforeAll(async () => {
    database = await createTestDatabase(kind);
  });
  beforeEach(async () => {
    await database.pool.query(
      'truncate cryptoracle.facts, cryptoracle.coverage, cryptoracle.metrics_1d, cryptoracle.quarantine, cryptoracle.requests',
    );
  });

  /** A fill as a backfill does it, against an API whose days start at the hour. */
  async function fill(dayStart: DayStart, over = range) {
    const simulator = await startSimulator({ clock, seed: 7 });
    simulator.configure({ dayStart });
    onFileEnd(() => simulator.close());
    const ingestor = createIngestor(database, simulator, clock);
    const reread = async (): Promise<FillScope> => ({
      tokens,
      metrics: v1Metrics,
      tokensOf: () => tokens,
      tokensToReprobe: () => [],
      wanted: wantedWindows(over, ['1d'], clock.now(), 0, await readDayStart(database)),
      reread,
    });
    const packer = new Packer({ limit: 2000, unit: 'value', extraRecords: 0 });
    const signal = new AbortController().signal;
    const scope = await reread();
    return fillGaps({ database, ingestor, packer, scope, clock, concurrency: 1, signal });
  }

  it.each(['08:00', '00:00'] as const)(
    'is learned from the first answer where it is %s, and nothing is lost',
    async (dayStart) => {
      const { end, failures, wanted } = await fill(dayStart);
      expect({ end, failures }).toEqual({ end: 'done', failures: 0 });
      const { day_start: fact } = await readFacts(database);
      expect(fact).toMatchObject({ value: dayStart, found: 'answered' });
      const hours = await rows(
        database,
        "select distinct to_char(time at time zone 'UTC', 'HH24:MI') as hour from cryptoracle.metrics_1d",
      );
      expect(hours).toEqual([{ hour: dayStart === '08:00' ? '00:00' : '16:00' }]);
      // A range takes the windows that start within it, ten on either grid.
      const within = 'select count(*)::int from cryptoracle.metrics_1d where time >= $1 and time < $2';
      expect(await value(database, within, [new Date(range.start), new Date(range.end)])).toBe(3 * 10);
      expect(await value(database, 'select count(*)::int from cryptoracle.quarantine')).toBe(0);
      const interval = wanted?.get('1d') ?? range;
      expect((interval.end - interval.start) / day).toBe(10);
      const cells = { granularity: '1d', tokens, metrics: v1Metrics, interval } as const;
      expect(await readGaps(database, cells)).toEqual([]);
    },
  );

  it.each(['nothing', '203'] as const)(
    'is looked for in the days before a range without a word about them where nothing comes: %s',
    async (emptyAnswer) => {
      // An API that is ill, and has nothing of anything.
      const simulator = await startSimulator({ clock, seed: 7, market: { historyStart: clock.now() } });
      simulator.configure({ emptyAnswer });
      onFileEnd(() => simulator.close());
      await database.pool.query('truncate cryptoracle.suspects');
      const interval = { start: range.start + 8 * 3_600_000, end: range.start + 32 * 3_600_000 };
      const request = { granularity: '1d', tokens, metrics: v1Metrics, tags: [], interval } as const;
      await createIngestor(database, simulator, clock).ingest(request, 'history');
      const told = await rows<{ from: Date }>(
        database,
        `select distinct lower(part) as "from" from cryptoracle.suspects, unnest(windows) as part
         union select distinct lower(part) from cryptoracle.coverage, unnest(answered) as part`,
      );
      expect(told.map(({ from }) => from.getTime())).toEqual([interval.start]);
      const asked = await value(database, 'select min(windows_from) from cryptoracle.requests');
      expect(asked).toEqual(new Date(interval.start - 3 * day));
    },
  );

  it('gives up the ledger of days that start at another hour, and keeps their rows', async () => {
    await fill('00:00');
    await fill('08:00', { start: range.start, end: range.end + 3 * day });
    expect(await readDayStart(database)).toBe('08:00');
    const ofHour =
      "select count(*)::int from cryptoracle.metrics_1d where extract(hour from time at time zone 'UTC') = $1";
    expect(await value(database, ofHour, [16])).toBeGreaterThanOrEqual(3 * 10);
    expect(await value(database, ofHour, [0])).toBe(3 * 13);
    const answered = await rows<{ hour: string }>(
      database,
      "select distinct to_char(lower(answered) at time zone 'UTC', 'HH24:MI') as hour from cryptoracle.coverage where granularity = '1d'",
    );
    expect(answered).toEqual([{ hour: '00:00' }]);
  });

  it('is learned again by a process that knew it, where the database has forgotten it', async () => {
    const simulator = await startSimulator({ clock, seed: 7 });
    simulator.configure({ dayStart: '00:00' });
    onFileEnd(() => simulator.close());
    const ingestor = createIngestor(database, simulator, clock);
    const start = Date.UTC(2025, 5, 1);
    const interval = { start, end: start + 5 * day };
    const days = { granularity: '1d', tokens, metrics: v1Metrics, tags: [], interval } as const;
    for (const _ of ['at first', 'after a backup was restored']) {
      await database.pool.query('truncate cryptoracle.facts, cryptoracle.coverage');
      await ingestor.ingest(days, 'history');
      expect(await readDayStart(database)).toBe('00:00');
    }
  });

  it('is what SQL counts days by', async () => {
    const first =
      "select lower(windows) from (select tstzrange(date_bin('24 hours', timestamptz '2025-06-01 12:00+00', timestamptz '2024-12-31 16:00+00' + cryptoracle.day_start()), null) as windows) as w";
    expect(await value(database, first)).toEqual(new Date('2025-06-01T00:00:00Z'));
    await storeFact(database, { name: 'day_start', value: '00:00', found: 'answered' }, clock.now());
    expect(await value(database, first)).toEqual(new Date('2025-05-31T16:00:00Z'));
  });
});
