import { expect, it, onTestFinished } from 'vitest';
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

const end = Date.parse('2025-06-17T00:00:00Z');

const requestOf = (token: DataRequest['tokens'][number]): DataRequest => ({
  ...{ granularity: '1h', tokens: [token], metrics: v1Metrics, tags: [] },
  interval: { start: end - 24 * hour, end },
});

const jobOf = (request: DataRequest) => ({
  name: 'history',
  data: toFetchJob(request, 'history'),
  opts: { jobId: fetchJobId(request) },
});

describeOnBackends('a fetcher', (queue, server) => {
  /** A fetcher that has not started, with a job for each of the tokens, after a first request by which access is known. */
  async function prepare(options: { readonly outagePause?: number } = {}) {
    const clock = new ManualClock('2025-06-17T02:20:00Z');
    const simulator = await startTestSimulator({ clock, market: { lateShare: 0, completeTokens: 200 } });
    const database = await createTestDatabase(server);
    /** Calls, and what each of them waits for. */
    const calls = { asked: 0, underWay: 0, most: 0, meet: (): unknown => undefined };
    const counted: typeof fetch = async (...args) => {
      calls.asked++;
      calls.underWay++;
      calls.most = Math.max(calls.most, calls.underWay);
      try {
        await calls.meet();
        return await fetch(...args);
      } finally {
        calls.underWay--;
      }
    };
    const client = new ApiClient({
      ...{ baseUrl: simulator.url, dialect: dialectOf('v1'), credentials: simulator.credentials, clock },
      fetch: counted,
    });
    const ingestor = createIngestor(database, simulator, clock, { client });
    // While nobody knows whether the metrics are granted, one request finds out and all others wait.
    if (firstToken !== undefined) await ingestor.ingest(requestOf(firstToken), 'history');
    Object.assign(calls, { asked: 0, most: 0 });
    const backend = await openTestQueue(queue, database);
    const jobs = backend.queue(fetchQueue);
    await jobs.addBulk(tokens.map((token) => jobOf(requestOf(token))));
    const fetcher = new Fetcher({
      ...{ backend, ingestor, database, clock, log: silent, concurrency, ...options },
      databaseWatch: new DatabaseWatch(database, clock, silent),
    });
    onTestFinished(async () => {
      await fetcher.stop();
      await jobs.close();
      await backend.close();
    });
    const stored = () =>
      value<number>(database, 'select count(distinct token)::int from cryptoracle.metrics_1h');
    return { database, fetcher, calls, stored };
  }

  it('asks while earlier answers are being stored, with no more calls at a time than it may have', async () => {
    const { database, fetcher, calls, stored } = await prepare();
    const blocker = await database.pool.connect();
    try {
      await blocker.query('begin; lock table cryptoracle.requests in access exclusive mode');
      // A call is answered so soon that it would be over before the next begins, were it not for this.
      calls.meet = () => expect.poll(() => calls.most, patience).toBe(concurrency);
      await fetcher.start();
      await expect.poll(() => calls.asked, patience).toBe(2 * concurrency);
      expect(await stored()).toBe(1);
      await blocker.query('commit');
      await expect.poll(stored, patience).toBe(1 + tokens.length);
      expect(calls.asked).toBe(tokens.length);
      expect(calls.most).toBe(concurrency);
    } finally {
      blocker.release(true);
    }
  });

  it('tries by one call after each pause whether answers can be stored again, and then takes up all of them', async () => {
    const { database, fetcher, calls, stored } = await prepare({ outagePause: 300 });
    await database.pool.query(`
      create function refuse() returns trigger language plpgsql as
        $$ begin raise exception 'could not extend file: No space left on device' using errcode = '53100'; end $$;
      create trigger refuse before insert or update on cryptoracle.coverage for each row execute function refuse()`);
    await fetcher.start();
    // What a worker has at a time was claimed before anybody knew.
    await expect.poll(() => calls.asked, patience).toBeGreaterThan(2 * concurrency);
    const [asked, since] = [calls.asked, performance.now()];
    await expect.poll(() => calls.asked, patience).toBeGreaterThan(asked + 2);
    const pauses = (performance.now() - since) / 300;
    expect(calls.asked - asked).toBeLessThanOrEqual(Math.ceil(pauses));
    // A pause is no reason to think that nothing gets on.
    expect(performance.now() - fetcher.lastEndedAt).toBeLessThan(300);
    expect(await stored()).toBe(1);
    await database.pool.query('drop function refuse cascade');
    await expect.poll(stored, patience).toBe(1 + tokens.length);
  });
});
