import { expect, it } from 'vitest';
import { ApiClient } from '../../src/api/client.ts';
import { dialectOf } from '../../src/api/dialects/index.ts';
import { bundledTokens } from '../../src/catalog/index.ts';
import type { DataRequest } from '../../src/planning/request.ts';
import { DatabaseWatch } from '../../src/queue/database-watch.ts';
import { Fetcher } from '../../src/queue/fetcher.ts';
import { fetchJobId, fetchQueue, toFetchJob } from '../../src/queue/jobs.ts';
import { createIngestor, startTestSimulator } from '../support/api.ts';
import { v1Metrics } from '../support/catalogue.ts';
import { hour, ManualClock } from '../support/clock.ts';
import { createTestDatabase, silent, value } from '../support/database.ts';
import { describeOnBackends, openTestQueue } from '../support/pipeline.ts';

const [firstToken, ...tokens] = bundledTokens.slice(0, 9).map(({ token }) => token);
const concurrency = 2;
const patience = { timeout: 60_000 };

describeOnBackends('a fetcher', (queue, server) => {
  it('asks while earlier answers are being stored, with no more calls at a time than it may have', async () => {
    const clock = new ManualClock('2025-06-17T02:20:00Z');
    const simulator = await startTestSimulator({ clock, market: { lateShare: 0, completeTokens: 200 } });
    const database = await createTestDatabase(server);
    let [asked, underWay, most] = [0, 0, 0];
    // A call is answered so soon that it would be over before the next begins, were it not for this.
    let meet: () => unknown = () => undefined;
    const counted: typeof fetch = async (...args) => {
      asked++;
      underWay++;
      most = Math.max(most, underWay);
      try {
        await meet();
        return await fetch(...args);
      } finally {
        underWay--;
      }
    };
    const client = new ApiClient({
      ...{ baseUrl: simulator.url, dialect: dialectOf('v1'), credentials: simulator.credentials, clock },
      fetch: counted,
    });
    const ingestor = createIngestor(database, simulator, clock, { client });
    const end = Date.parse('2025-06-17T00:00:00Z');
    const requestOf = (token: DataRequest['tokens'][number]): DataRequest => ({
      ...{ granularity: '1h', tokens: [token], metrics: v1Metrics, tags: [] },
      interval: { start: end - 24 * hour, end },
    });
    // While nobody knows whether the metrics are granted, one request finds out and all others wait.
    if (firstToken !== undefined) await ingestor.ingest(requestOf(firstToken), 'history');
    const backend = await openTestQueue(queue, database);
    const jobs = backend.queue(fetchQueue);
    const databaseWatch = new DatabaseWatch(database, clock, silent);
    const fetcher = new Fetcher({
      ...{ backend, ingestor, database, databaseWatch, clock, log: silent, concurrency },
    });
    const stored = () =>
      value<number>(database, 'select count(distinct token)::int from cryptoracle.metrics_1h');
    const blocker = await database.pool.connect();
    try {
      await blocker.query('begin; lock table cryptoracle.requests in access exclusive mode');
      [asked, most] = [0, 0];
      meet = () => expect.poll(() => most, patience).toBe(concurrency);
      await jobs.addBulk(
        tokens.map((token) => ({
          name: 'history',
          data: toFetchJob(requestOf(token), 'history'),
          opts: { jobId: fetchJobId(requestOf(token)) },
        })),
      );
      await fetcher.start();
      await expect.poll(() => asked, patience).toBe(2 * concurrency);
      expect(await stored()).toBe(1);
      await blocker.query('commit');
      await expect.poll(stored, patience).toBe(1 + tokens.length);
      expect(asked).toBe(tokens.length);
      expect(most).toBe(concurrency);
    } finally {
      blocker.release(true);
      await fetcher.stop();
      await jobs.close();
      await backend.close();
    }
  });
});
