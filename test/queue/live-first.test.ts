import { expect, it } from 'vitest';
import { bundledTokens } from '../../src/catalog/index.ts';
import { planQueue } from '../../src/queue/jobs.ts';
import { startTestSimulator } from '../support/api.ts';
import { ManualClock, minute } from '../support/clock.ts';
import { createTestDatabase, value } from '../support/database.ts';
import { describeOnBackends, openTestQueue, runPipeline, testSettings } from '../support/pipeline.ts';

const latency = 400;
const tokens = bundledTokens.slice(0, 12).map(({ token }) => token);

describeOnBackends('while history fills up at the limit', (queue, server) => {
  it('the newest windows are there long before it: they do not wait for it', async () => {
    const clock = new ManualClock('2025-06-17T02:20:00Z');
    const simulator = await startTestSimulator({ clock });
    simulator.setFaults({ slow: { probability: 1, milliseconds: latency } });
    const database = await createTestDatabase(server);
    // At this rate the history takes minutes; all workers are busy with it.
    const settings = testSettings({
      TOKENS: tokens.join(),
      HISTORY_START: '2025-06-01',
      REQUESTS_PER_SECOND: '2',
      FETCH_CONCURRENCY: '4',
    });
    const backend = await openTestQueue(queue, database);
    const pipeline = await runPipeline({ database, simulator, clock, settings, backend });
    const plans = backend.queue(planQueue);
    try {
      const isStored = (window: number) =>
        value<boolean>(
          database,
          `select count(*) > 5 from cryptoracle.metrics_15m where time = $1 and mention_count is not null`,
          [new Date(window)],
        );
      const otherCalls = () =>
        value<number>(database, "select count(*)::int from cryptoracle.requests where lane <> 'live'");
      await expect.poll(otherCalls, { timeout: 60_000 }).toBeGreaterThan(2);
      let due = Date.parse('2025-06-17T02:15:00Z');
      for (let windows = 0; windows < 2; windows++) {
        clock.advance(due + 15 * minute - clock.now());
        const before = await otherCalls();
        await plans.add('15m', { task: '15m' });
        await expect.poll(() => isStored(due - 15 * minute), { timeout: 60_000, interval: 50 }).toBe(true);
        // Counted in calls, since a busy machine takes its time to plan. All history takes more than 150.
        expect(await otherCalls()).toBeLessThanOrEqual(before + 40);
        due += 15 * minute;
      }
      const before = await otherCalls();
      await expect.poll(otherCalls, { timeout: 60_000 }).toBeGreaterThan(before);
    } finally {
      await plans.close();
      await pipeline.stop();
    }
  });
});
