import { expect, it } from 'vitest';
import { compareWithTruth } from '../../harness/truth.ts';
import { bundledTokens, granularities, isGranularity } from '../../src/catalog/index.ts';
import { wantedWindows } from '../../src/planning/plan.ts';
import { planQueue } from '../../src/queue/jobs.ts';
import { tasks } from '../../src/queue/tasks.ts';
import { startTestSimulator } from '../support/api.ts';
import { hour, ManualClock } from '../support/clock.ts';
import { createTestDatabase, describeOnServers, rows, value } from '../support/database.ts';
import { openTestQueue, quickerQueue, runPipeline, testSettings } from '../support/pipeline.ts';

describeOnServers('the daily recheck', (kind) => {
  it('is on the clock, like every other task', async () => {
    const clock = new ManualClock('2025-06-17T02:20:00Z');
    const simulator = await startTestSimulator({ clock });
    const database = await createTestDatabase(kind);
    const settings = testSettings({ TOKENS: 'BTC', HISTORY_START: '2025-06-16' });
    const backend = await openTestQueue(quickerQueue(), database);
    const pipeline = await runPipeline({
      database,
      simulator,
      clock,
      settings,
      backend,
      roles: ['scheduler'],
    });
    const plans = backend.queue(planQueue);
    const scheduled = (await plans.getJobSchedulers()).map(({ key }) => key);
    await plans.close();
    await pipeline.stop();
    expect(scheduled.sort()).toEqual(tasks.map(({ name }) => name).sort());
  });

  it('fetches values that came after the last look-back, and asks for no token that has no such windows', async () => {
    const clock = new ManualClock('2025-06-17T02:20:00Z');
    const simulator = await startTestSimulator({
      clock,
      seed: 11,
      market: { lateShare: 0.3, changedShare: 0 },
    });
    const database = await createTestDatabase(kind);
    const lacking = bundledTokens
      .map(({ token }) => token)
      .find((each) => !simulator.market.hasGranularity(each, '1h'));
    if (lacking === undefined) throw new Error('the market has no token without 1h');
    const tokens = [...bundledTokens.slice(0, 10).map(({ token }) => token), lacking];
    const settings = testSettings({
      TOKENS: tokens.join(),
      HISTORY_START: '2025-06-16',
      LOOKBACK_WINDOWS: '0',
      TAGS: 'CO-B-01-01',
    });
    const backend = await openTestQueue(quickerQueue(), database);
    const pipeline = await runPipeline({ database, simulator, clock, settings, backend });
    await pipeline.idle();
    const range = { start: settings.historyStart, end: clock.now() };
    const wanted = wantedWindows(range, granularities, clock.now(), settings.settleDelay, '08:00');
    const final = () => compareWithTruth(database, simulator.market, tokens, wanted, undefined);
    const missing = (await final()).differences;
    expect(missing.length).toBeGreaterThan(13);
    expect(missing.every(({ stored }) => stored === null)).toBe(true);

    clock.advance(8 * hour);
    simulator.clearLog();
    for (const granularity of granularities) await pipeline.planner.planRecheck(granularity);
    await pipeline.idle();
    expect((await final()).differences.slice(0, 3)).toEqual([]);
    const fine = simulator.log.filter(({ business }) => ['15m', '1h'].includes(String(business?.timeType)));
    expect(fine.flatMap(({ business }) => business?.token)).not.toContain(lacking);

    // What came late is a revision, with nothing before it.
    const revised = await rows<{ old: null; granularity: string }>(
      database,
      'select distinct old, granularity from cryptoracle.revisions',
    );
    expect(revised.every(({ old, granularity }) => old === null && isGranularity(granularity))).toBe(true);
    expect(await value(database, 'select count(*)::int from cryptoracle.revisions')).toBe(missing.length);

    simulator.clearLog();
    for (const granularity of granularities) await pipeline.planner.planRecheck(granularity);
    await pipeline.idle();
    const again = simulator.log.filter(({ call }) => call === 'endpoint');
    // Windows that settled since the first plan are gaps, not empty answers: the recheck leaves them to the plans.
    expect(again).toEqual([]);
    await pipeline.stop();
  });
});
