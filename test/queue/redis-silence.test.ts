import { randomBytes } from 'node:crypto';
import { describe, expect, inject, it } from 'vitest';
import { Relay } from '../../harness/relay.ts';
import { TryLaterError } from '../../src/errors.ts';
import { openQueueBackend, probeRedis } from '../../src/queue/backend.ts';
import { createTestDatabase, silent } from '../support/database.ts';
import { onFileEnd } from '../support/releasers.ts';

const redisUrl = inject('redisUrl') ?? '';

async function openWay(): Promise<Relay> {
  const way = await Relay.open(redisUrl, 6379);
  onFileEnd(() => way.close());
  return way;
}

describe.skipIf(redisUrl === '')('a Redis whose connections go silent and stay open', () => {
  it('gets jobs, and gives them, over new connections soon after', { timeout: 90_000 }, async () => {
    const way = await openWay();
    const database = await createTestDatabase('plain PostgreSQL');
    // More than the ten seconds that a worker waits for a job at a time, else every wait would be cut.
    const backend = await openQueueBackend({ redisUrl: way.url, database, log: silent, silence: 12_000 });
    onFileEnd(() => backend.close());
    const name = randomBytes(4).toString('hex');
    const queue = backend.queue(name);
    const done: string[] = [];
    const worker = backend.worker(name, async (job) => void done.push(job.name), { concurrency: 1 });
    onFileEnd(() => worker.close());
    await queue.add('before', {});
    await expect.poll(() => done, { timeout: 5000 }).toEqual(['before']);
    // A worker that is just reporting the end of a job waits for that report: docs/reliability.md.
    await expect.poll(() => queue.getJobCounts('active'), { timeout: 5000 }).toMatchObject({ active: 0 });
    way.silence('open ones');
    way.recover();
    await queue.add('after', {});
    // Work goes on within a minute, on a busy machine, too.
    await expect.poll(() => done, { timeout: 60_000 }).toEqual(['before', 'after']);
    await queue.close();
  });

  it('is no Redis that can be used, where it takes connections and says nothing', {
    timeout: 15_000,
  }, async () => {
    const way = await openWay();
    way.silence('all');
    await expect(probeRedis(way.url)).rejects.toThrow(TryLaterError);
  });
});
