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
  it('gets jobs, and gives them, over new connections soon after', { timeout: 60_000 }, async () => {
    const way = await openWay();
    const database = await createTestDatabase('plain PostgreSQL');
    const backend = await openQueueBackend({ redisUrl: way.url, database, log: silent, silence: 6000 });
    onFileEnd(() => backend.close());
    const name = randomBytes(4).toString('hex');
    const queue = backend.queue(name);
    const done: string[] = [];
    const worker = backend.worker(name, async (job) => void done.push(job.name), { concurrency: 1 });
    onFileEnd(() => worker.close());
    await queue.add('before', {});
    await expect.poll(() => done, { timeout: 5000 }).toEqual(['before']);
    way.silence('open ones');
    way.recover();
    await queue.add('after', {});
    await expect.poll(() => done, { timeout: 30_000 }).toEqual(['before', 'after']);
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
