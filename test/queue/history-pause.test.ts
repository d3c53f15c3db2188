import { expect, it } from 'vitest';
import { asToken } from '../../src/catalog/index.ts';
import { leaveToWorkers, pauseOrder } from '../../src/store/ledger/detached-orders.ts';
import { pauseHistory, readHistoryPause, resumeHistory } from '../../src/store/ledger/history-pause.ts';
import { placeOrder, readOrder } from '../../src/store/ledger/orders.ts';
import { startTestSimulator } from '../support/api.ts';
import { day, ManualClock } from '../support/clock.ts';
import { createTestDatabase, value } from '../support/database.ts';
import { describeOnBackends, openTestQueue, runPipeline, testSettings } from '../support/pipeline.ts';

describeOnBackends('while a person has laid all history aside', (queue, server) => {
  it('no window older than a week is asked for, queued before or not, and all of them once it is resumed', async () => {
    const clock = new ManualClock('2025-06-20T10:30:00Z');
    const [simulator, database] = await Promise.all([
      startTestSimulator({ clock }),
      createTestDatabase(server),
    ]);
    const settings = testSettings({
      ...{ TOKENS: 'BTC', GRANULARITIES: '1d', METRICS: 'mention_count' },
      HISTORY_START: '2025-05-01',
    });
    const backend = await openTestQueue(queue, database);
    const options = { database, simulator, clock, settings, backend };
    const planning = await runPipeline({ ...options, roles: ['scheduler'] });
    await planning.planner.planOlder('1d');
    expect(await readHistoryPause(database)).toBeUndefined();
    expect([await pauseHistory(database, clock.now()), await pauseHistory(database, clock.now())]).toEqual([
      true,
      false,
    ]);
    expect(await readHistoryPause(database)).toBe(clock.now());
    const working = await runPipeline({ ...options, roles: ['worker'] });
    const calls = (lanes: string) =>
      value<number>(
        database,
        `select count(*)::int from cryptoracle.requests where cardinality(metrics) > 0 and lane in (${lanes})`,
      );
    try {
      await working.idle();
      await planning.planner.planOlder('1d');
      await working.idle();
      expect(await calls("'history'")).toBe(0);
      expect(await calls("'live', 'repair'")).toBeGreaterThan(0);
      expect([
        await resumeHistory(database, clock.now()),
        await resumeHistory(database, clock.now()),
      ]).toEqual([true, false]);
      await planning.planner.planOlder('1d');
      await working.idle();
      const answered = `select (extract(epoch from sum(upper(part) - lower(part))) / 86400)::int
         from cryptoracle.coverage, unnest(answered) as part where metric = 'CO-A-01-05'`;
      // From the day that starts on 1 May to the one that ended on 20 June at 8 in Beijing.
      expect(await value<number>(database, answered)).toBe(50);
    } finally {
      await working.stop();
      await planning.stop();
    }
  });

  it('backfills rest, and go on with it unless they were paused one by one', async () => {
    const database = await createTestDatabase(server);
    const now = Date.parse('2025-06-20T10:30:00Z');
    const place = () =>
      placeOrder(
        database,
        {
          ...{ range: { start: now - 9 * day, end: now - 8 * day }, granularities: ['1d'], metrics: [] },
          ...{ tokens: [asToken('BTC')], refresh: false, evenUnavailable: false },
        },
        { values: 1, requests: 1 },
        now,
      );
    const [running, waiting, paused] = [await place(), await place(), await place()];
    await leaveToWorkers(database, waiting);
    await pauseOrder(database, paused, now);
    const states = async () => {
      const orders = [running, waiting, paused].map((id) => readOrder(database, id));
      return (await Promise.all(orders)).map((order) => order?.state);
    };
    await pauseHistory(database, now);
    expect(await states()).toEqual(['paused', 'paused', 'paused']);
    await resumeHistory(database, now);
    expect(await states()).toEqual(['waiting', 'waiting', 'paused']);
  });
});
