import { expect, it } from 'vitest';
import { fetchJobSchema, fetchQueue, fromFetchJob, liveQueue } from '../../src/queue/jobs.ts';
import { storeFact } from '../../src/store/ledger/facts.ts';
import { startTestSimulator } from '../support/api.ts';
import { day, hour, ManualClock } from '../support/clock.ts';
import { createTestDatabase, describeOnServers } from '../support/database.ts';
import { openTestQueue, quickerQueue, runPipeline, testSettings } from '../support/pipeline.ts';

describeOnServers('while jobs about days that start at another hour still wait', (kind) => {
  it('plans ask for all days where they start', async () => {
    const clock = new ManualClock('2025-06-17T02:20:00Z');
    const simulator = await startTestSimulator({ clock });
    const database = await createTestDatabase(kind);
    const settings = testSettings({ TOKENS: 'BTC,ETH,SOL', HISTORY_START: '2025-04-01' });
    const backend = await openTestQueue(quickerQueue(), database);
    const pipeline = await runPipeline({
      ...{ database, simulator, clock, settings, backend },
      roles: ['scheduler'],
    });
    const plan = async () => {
      await pipeline.planner.planNewest('1d', true);
      await pipeline.planner.planOlder('1d');
    };
    await plan();
    await storeFact(database, { name: 'day_start', value: '00:00', found: 'answered' }, clock.now());
    await plan();

    const schema = fetchJobSchema(database.catalogue);
    const queues = [liveQueue, fetchQueue].map((name) => backend.queue(name));
    const jobs = (await Promise.all(queues.map((queue) => queue.getJobs(['waiting', 'prioritized'])))).flat();
    const starts = jobs.flatMap((job) => {
      const { granularity, interval, tokens } = fromFetchJob(
        schema.parse(job?.data),
        database.catalogue,
      ).request;
      if (granularity !== '1d' || !tokens.some((token) => token === 'BTC')) return [];
      const days = Math.round((interval.end - interval.start) / day);
      return Array.from({ length: days }, (_, number) => interval.start + number * day);
    });
    // Midnight in Beijing is 16:00 in UTC.
    const onMidnight = starts.filter((start) => (start - 16 * hour) % day === 0);
    const first = Date.parse('2025-03-31T16:00:00Z');
    const last = Date.parse('2025-06-15T16:00:00Z');
    expect([...new Set(onMidnight)].sort((a, b) => a - b)).toEqual(
      Array.from({ length: (last - first) / day + 1 }, (_, number) => first + number * day),
    );
    for (const queue of queues) await queue.close();
    await pipeline.stop();
  });
});
