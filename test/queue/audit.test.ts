import { afterEach, expect, it } from 'vitest';
import { formatBeijingDate } from '../../src/beijing.ts';
import { readDrift } from '../../src/store/reports/audit.ts';
import { startTestSimulator } from '../support/api.ts';
import { day, hour, ManualClock } from '../support/clock.ts';
import { createTestDatabase, describeOnServers, rows, value } from '../support/database.ts';
import {
  openTestQueue,
  quickerQueue,
  type RunningPipeline,
  runPipeline,
  testSettings,
} from '../support/pipeline.ts';

describeOnServers('the audit', (server) => {
  let pipeline: RunningPipeline | undefined;
  afterEach(() => pipeline?.stop());

  it('asks settled windows again, so many a day, and finds what has changed', async () => {
    const now = Date.parse('2025-06-20T20:00:00Z');
    const clock = new ManualClock(now);
    const database = await createTestDatabase(server);
    const simulator = await startTestSimulator({ clock });
    const settings = testSettings({
      ...{ TOKENS: 'BTC,ETH', GRANULARITIES: '1d', REQUESTS_PER_SECOND: '5000' },
      ...{ HISTORY_START: formatBeijingDate(now - 60 * day), LOOKBACK_WINDOWS: '4' },
    });
    const backend = await openTestQueue(quickerQueue(), database);
    pipeline = await runPipeline({ database, simulator, clock, settings, backend });
    await pipeline.idle();
    // What was stored is no longer what the API has.
    await database.pool.query('update cryptoracle.metrics_1d set mention_count = mention_count + 1');

    const { planner } = pipeline;
    // 20:00 UTC is 04:00 in Beijing: the fifth hour, of twelve calls 2.5.
    expect((await planner.planAudit(['1d'], 12)).added).toBe(3);
    await pipeline.idle();
    const asked = await rows<{ from: Date; to: Date; tokens: string[] }>(
      database,
      `select windows_from as "from", windows_to as "to", tokens from cryptoracle.requests where lane = 'audit'`,
    );
    expect(asked).toHaveLength(3);
    for (const { from, to, tokens } of asked) {
      expect(to.getTime() - from.getTime()).toBe(day);
      // The look-back has the newest four.
      expect(to.getTime()).toBeLessThanOrEqual(now - 4 * day);
      expect(tokens.toSorted()).toEqual(['BTC', 'ETH']);
    }
    const revised = await value<number>(
      database,
      `select count(*)::int from cryptoracle.revisions where metric = 'CO-A-01-05' and old = new + 1`,
    );
    expect(revised).toBe(2 * new Set(asked.map(({ from }) => from.getTime())).size);
    const drift = await readDrift(database, '1d', settings.settleDelay, now - day);
    expect(drift.reduce((sum, { changed }) => sum + changed, 0)).toBe(revised);

    // No more are due until later.
    expect((await planner.planAudit(['1d'], 12)).added).toBe(0);
    clock.advance(6 * hour);
    expect((await planner.planAudit(['1d'], 12)).added).toBe(3);
  });
});
