import { beforeAll, expect, it } from 'vitest';
import {
  bundledTokens,
  type Granularity,
  granularities,
  type MetricCode,
  metrics,
  windowLength,
} from '../../../src/catalog/index.ts';
import { systemClock } from '../../../src/clock.ts';
import type { Simulator } from '../../../src/simulator/index.ts';
import { storeAnswer } from '../../../src/store/answers/write.ts';
import type { Database } from '../../../src/store/connection/database.ts';
import { migrate } from '../../../src/store/setup/migrate.ts';
import { createIngestor, startTestSimulator } from '../../support/api.ts';
import { v1Metrics } from '../../support/catalogue.ts';
import { hour, ManualClock, minute } from '../../support/clock.ts';
import { createTestDatabase, describeOnServers, rows, silent } from '../../support/database.ts';
import { answer, consensus, mentions, row } from '../answers/answering.ts';

const tokens = bundledTokens.slice(0, 12).map(({ token }) => token);
const start = Date.parse('2025-06-17T00:00:00Z');

describeOnServers('as_of', (kind) => {
  let database: Database;
  let simulator: Simulator;
  /** What the table held after each pass, by the instant of the pass. */
  const snapshots = new Map<number, unknown[]>();

  const select = (from: string, values: unknown[] = []) =>
    rows(
      database,
      `select time, token, ${metrics.map(({ column }) => column).join()} from ${from} order by 1, 2`,
      values,
    );

  beforeAll(async () => {
    const clock = new ManualClock(start + hour + 15 * minute);
    database = await createTestDatabase(kind);
    simulator = await startTestSimulator({ clock, seed: 9, market: { lateShare: 0.3, changedShare: 0.3 } });
    const ingestor = createIngestor(database, simulator, clock);
    for (let pass = 0; pass < 8; pass++) {
      const interval = { start, end: start + Math.min(pass + 1, 4) * hour };
      const request = { granularity: '1h' as Granularity, tokens, metrics: v1Metrics, tags: [], interval };
      await ingestor.ingest(request, 'lookback');
      snapshots.set(clock.now(), await select('cryptoracle.metrics_1h'));
      clock.advance(hour);
    }
  });

  it('gives back exactly what was stored at every instant', async () => {
    const revisions = await rows(database, 'select old from cryptoracle.revisions');
    expect(revisions.filter(({ old }) => old === null).length).toBeGreaterThan(20);
    expect(revisions.filter(({ old }) => old !== null).length).toBeGreaterThan(20);
    for (const [at, held] of snapshots) {
      for (const instant of [at, at + 59 * minute]) {
        expect(await select("cryptoracle.as_of('1h', $1)", [new Date(instant)])).toEqual(held);
      }
    }
  });

  it('knows nothing before the first window was seen, and nothing of another granularity', async () => {
    expect(await select("cryptoracle.as_of('1h', $1)", [new Date(start)])).toEqual([]);
    expect(await select("cryptoracle.as_of('15m', $1)", [new Date(start + 30 * hour)])).toEqual([]);
  });

  it('is replaced where its result has another shape, and left to its dependents where it has not', async () => {
    await database.pool.query("create view mine as select * from cryptoracle.as_of('1h', now())");
    await migrate(database, systemClock, silent);
    await database.pool.query(
      `drop view mine; drop function cryptoracle.as_of(text, timestamptz);
       create function cryptoracle.as_of(text, timestamptz) returns int language sql as 'select 1'`,
    );
    await migrate(database, systemClock, silent);
    expect((await select("cryptoracle.as_of('1h', $1)", [new Date(start + 30 * hour)])).length).toBe(
      4 * tokens.length,
    );
  });

  it.each(["'2h'", "''", 'null'])(
    'refuses %s as a granularity, and says which there are',
    async (granularity) => {
      await expect(select(`cryptoracle.as_of(${granularity}, now())`)).rejects.toThrow(
        /there are 15m, 1h, 4h, 1d/,
      );
      await expect(select('cryptoracle.as_of($1, now())', [granularity])).rejects.toThrow(
        /there is no granularity/,
      );
    },
  );

  it('reads what a condition leaves, and not the whole table', async () => {
    const explained = await rows<{ 'QUERY PLAN': string }>(
      database,
      `explain (costs off) select * from cryptoracle.as_of('1h', now()) where token = 'BTC' and time > now()`,
    );
    const plan = explained.map((line) => line['QUERY PLAN']).join('\n');
    expect(plan).toMatch(/token = 'BTC'/);
    expect(plan).toMatch(/metrics_1h/);
    expect(plan).not.toMatch(/Function Scan|metrics_(15m|4h|1d)/);
  });

  it.each(granularities)(
    'knows nothing of a metric before it was first loaded, in %s windows that were observed or loaded',
    async (granularity) => {
      const length = windowLength[granularity];
      const time = Date.parse('2025-03-01T00:00:00Z');
      const first = time + length + 20 * minute;
      const later = first + 10 * minute;
      const all = { granularity, tokens: ['BTC', 'ETH'], from: time, to: time + length };
      // One row was observed, one was loaded long after.
      for (const [token, observedFrom] of [
        ['BTC', time],
        ['ETH', time + 1],
      ] as const) {
        const rowsOf = (metric: MetricCode) => [row(token, time, { [metric]: 5 })];
        const parts = { ...all, tokens: [token], observedFrom };
        await storeAnswer(
          database,
          answer({ ...parts, metrics: [mentions], rows: rowsOf(mentions), receivedAt: first }),
        );
        await storeAnswer(
          database,
          answer({ ...parts, metrics: [consensus], rows: rowsOf(consensus), receivedAt: later }),
        );
      }
      const known = (at: number) =>
        rows(
          database,
          `select token, mention_count as mentions, sentiment_consensus as consensus, backfilled
           from cryptoracle.as_of($1, $2) where time = $3 order by token`,
          [granularity, new Date(at), new Date(time)],
        );
      const rowsWith = (value: number | null) => [
        { token: 'BTC', mentions: 5, consensus: value, backfilled: false },
        { token: 'ETH', mentions: 5, consensus: value, backfilled: true },
      ];
      expect(await known(first - 1)).toEqual([]);
      expect(await known(first)).toEqual(rowsWith(null));
      expect(await known(later - 1)).toEqual(rowsWith(null));
      expect(await known(later)).toEqual(rowsWith(5));
    },
  );

  it('is open to the reader', async () => {
    const client = await database.pool.connect();
    try {
      await client.query('begin; set local role cryptoracle_reader');
      const { rowCount } = await client.query("select * from cryptoracle.as_of('1h', now())");
      expect(rowCount).toBeGreaterThan(0);
    } finally {
      await client.query('rollback');
      client.release();
    }
  });
});
