import { expect, it } from 'vitest';
import { asToken } from '../../src/catalog/index.ts';
import { planQueue } from '../../src/queue/jobs.ts';
import { startTestSimulator } from '../support/api.ts';
import { ManualClock } from '../support/clock.ts';
import { createTestDatabase, rows } from '../support/database.ts';
import { describeOnBackends, openTestQueue, runPipeline, testSettings } from '../support/pipeline.ts';

describeOnBackends('history', (queue, server) => {
  // Rates by which a second divides into no whole number of milliseconds, which only PostgreSQL insists on.
  it.each(queue === 'PostgreSQL' ? ['60', '7', '0.3'] : ['7'])(
    'is planned on and on at %s requests a second',
    async (rate) => {
      const clock = new ManualClock('2025-06-17T02:20:00Z');
      // Nothing is fetched: the queue stays full, so that there is always more to plan.
      const simulator = await startTestSimulator({ clock });
      const database = await createTestDatabase(server);
      const settings = testSettings({
        TOKENS: asToken('BTC'),
        GRANULARITIES: '15m',
        TAGS: 'CO-B-01-01',
        HISTORY_START: '2024-01-01',
        RECORD_LIMIT: '13',
        REQUESTS_PER_SECOND: rate,
      });
      const backend = await openTestQueue(queue, database);
      const pipeline = await runPipeline({
        ...{ database, simulator, clock, settings, backend },
        roles: ['scheduler'],
      });
      const plans = backend.queue(planQueue);
      try {
        const delayed = async () =>
          (await plans.getJobs(['delayed']))
            .filter((job) => job?.name === 'more-15m')
            .map((job) => job.delay);
        // The first plan of older windows fills the queue, and asks for a second one after a while.
        await expect
          .poll(async () => (await delayed()).some((delay) => delay > 0), { timeout: 60_000 })
          .toBe(true);
        expect((await plans.getJobCounts('failed')).failed ?? 0).toBe(0);
        expect(
          await rows(database, 'select * from cryptoracle.requests where outcome <> $$answered$$'),
        ).toEqual([]);
      } finally {
        await plans.close();
        await pipeline.stop();
      }
    },
  );
});
