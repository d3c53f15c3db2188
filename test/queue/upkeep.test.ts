import { expect, it } from 'vitest';
import { planQueue } from '../../src/queue/jobs.ts';
import { startTestSimulator } from '../support/api.ts';
import { ManualClock } from '../support/clock.ts';
import { createTestDatabase, describeOnServers, value } from '../support/database.ts';
import { openTestQueue, quickerQueue, runPipeline, testSettings } from '../support/pipeline.ts';

describeOnServers('upkeep', (server) => {
  it('keeps no plan waiting, however long it takes', async () => {
    const clock = new ManualClock('2025-06-17T02:20:00Z');
    const simulator = await startTestSimulator({ clock });
    const database = await createTestDatabase(server);
    const settings = testSettings({ TOKENS: 'BTC', GRANULARITIES: '1d', HISTORY_START: '2025-06-16' });
    const backend = await openTestQueue(quickerQueue(), database);
    const pipeline = await runPipeline({
      ...{ database, simulator, clock, settings, backend },
      roles: ['scheduler'],
    });
    const plans = backend.queue(planQueue);
    const blocker = await database.pool.connect();
    const checksWaiting = () =>
      value<number>(
        database,
        'select count(*)::int from pg_locks join pg_database as d on d.oid = database where not granted and datname = current_database()',
      );
    try {
      await blocker.query('begin; lock table cryptoracle.quality_due');
      await plans.add('quality', { task: 'quality' });
      await expect.poll(checksWaiting, { timeout: 60_000 }).toBe(1);
      await plans.add('heal', { task: 'heal' });
      const left = async () => {
        const jobs = await plans.getJobs(['active', 'waiting', 'prioritized']);
        return jobs.filter((job) => ['heal', 'quality'].includes(job?.name)).length;
      };
      await expect.poll(left, { timeout: 60_000 }).toBe(0);
      expect(await checksWaiting()).toBe(1);
    } finally {
      await blocker.query('rollback');
      blocker.release();
      await plans.close();
      await pipeline.stop();
    }
    expect(await checksWaiting()).toBe(0);
  });
});
