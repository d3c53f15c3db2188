import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, inject, it } from 'vitest';
import { Relay } from '../../harness/relay.ts';
import { TryLaterError } from '../../src/errors.ts';
import { openQueueBackend } from '../../src/queue/backend.ts';
import { probeRedis } from '../../src/queue/redis-server.ts';
import { createTestDatabase, silent } from '../support/database.ts';
import { onFileEnd } from '../support/releasers.ts';

const redisUrl = inject('redisUrl') ?? '';

async function openWay(): Promise<Relay> {
  const way = await Relay.open(redisUrl, 6379);
  onFileEnd(() => way.close());
  return way;
}

// Each waits most of the time.
describe.skipIf(redisUrl === '')(
  'a Redis whose connections go silent and stay open',
  { concurrent: true },
  () => {
    /** A queue whose connections pass by a way that can go silent; its worker notes the names of the jobs. */
    async function openQueue({ silentFromStart = false } = {}) {
      const way = await openWay();
      if (silentFromStart) way.silence('all');
      const database = await createTestDatabase('plain PostgreSQL');
      const backend = await openQueueBackend({
        ...{ redisUrl: way.url, database, log: silent, mayBeAway: silentFromStart },
        // More than the ten seconds that a worker waits for a job at a time, else every wait would be cut.
        silence: 12_000,
      });
      onFileEnd(() => backend.close());
      const name = randomBytes(4).toString('hex');
      const done: string[] = [];
      const startWorker = () => {
        const worker = backend.worker(name, async (job) => void done.push(job.name), { concurrency: 1 });
        onFileEnd(() => worker.close());
      };
      return { way, queue: backend.queue(name), startWorker, done };
    }

    it('gets jobs, and gives them, over new connections soon after', { timeout: 180_000 }, async ({
      expect,
    }) => {
      const { way, queue, startWorker, done } = await openQueue();
      startWorker();
      await queue.add('before', {});
      await expect.poll(() => done, { timeout: 60_000 }).toEqual(['before']);
      way.silence('open ones');
      way.recover();
      await queue.add('after', {});
      // Work goes on within a minute, on a busy machine, too.
      await expect.poll(() => done, { timeout: 60_000 }).toContain('after');
    });

    it('is no obstacle to a worker that was just opening its own', { timeout: 180_000 }, async ({
      expect,
    }) => {
      const { way, queue, startWorker, done } = await openQueue();
      way.silence('all');
      startWorker();
      const added = Promise.all([queue.add('first', {}), queue.add('second', {})]);
      await sleep(1000);
      way.recover();
      await added;
      await expect.poll(() => done, { timeout: 60_000 }).toContain('second');
    });

    it('is waited for where it is so from the start', { timeout: 180_000 }, async ({ expect }) => {
      const { way, queue, startWorker, done } = await openQueue({ silentFromStart: true });
      startWorker();
      const added = Promise.all([queue.add('first', {}), queue.add('second', {})]);
      way.recover();
      await added;
      await expect.poll(() => done, { timeout: 60_000 }).toContain('second');
    });

    it('is no Redis that can be used, where it takes connections and says nothing', {
      timeout: 15_000,
    }, async ({ expect }) => {
      const way = await openWay();
      way.silence('all');
      await expect(probeRedis(way.url)).rejects.toThrow(TryLaterError);
    });
  },
);
