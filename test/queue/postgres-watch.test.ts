import { Writable } from 'node:stream';
import type pg from 'pg';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { silent } from '../../harness/servers.ts';
import { openQueueBackend, type QueueBackend } from '../../src/queue/backend.ts';
import { PostgresWatch } from '../../src/queue/postgres-watch.ts';
import type { Database } from '../../src/store/connection/database.ts';
import { createPool } from '../../src/store/connection/pool.ts';
import { hour } from '../support/clock.ts';
import { createTestDatabase } from '../support/database.ts';

const name = 'fetch';
const ahead = () => Date.now() + 26 * hour;

describe('a queue in PostgreSQL that a clock of a process ran ahead of', () => {
  let database: Database;
  let pool: pg.Pool;
  let backend: QueueBackend;
  let said: string[];
  let watch: PostgresWatch;

  beforeEach(async () => {
    database = await createTestDatabase('plain PostgreSQL');
    backend = await openQueueBackend({ redisUrl: undefined, database, log: silent });
    pool = createPool(database.url, { connections: 2, searchPath: 'bullmq' });
    said = [];
    const output = new Writable({
      write: (line, _, done) => {
        said.push(JSON.parse(String(line)).what);
        done();
      },
    });
    // Looks are the test's own, and two of them suffice.
    watch = new PostgresWatch(pool, pino(output), { interval: hour, unmovedFor: 0 });
  });

  afterEach(async () => {
    watch.stop();
    await backend.close();
    await pool.end();
  });

  /** Leaves a job as a process does that was killed while its clock ran ahead. */
  async function loseJob(): Promise<void> {
    const queue = backend.queue(name);
    await queue.add('lost', { some: 'work' }, { jobId: 'lost' });
    await queue.close();
    await pool.query(
      `update job set state = 'active', lock_token = 'dead', locked_until_ms = $2, attempts_started = 1
       where queue = $1 and id = 'lost'`,
      [name, ahead()],
    );
    await pool.query(
      `insert into meta (queue, field, value) values ($1, 'stalled-check', $2)
       on conflict (queue, field) do update set value = excluded.value`,
      [name, ahead()],
    );
  }

  it('finds its lost jobs all the same', async () => {
    await loseJob();
    const done: string[] = [];
    const worker = backend.worker(name, async (job) => void done.push(job.name), { concurrency: 1 });
    await worker.waitUntilReady();
    await watch.check();
    await expect.poll(() => done).toEqual(['lost']);
    expect(said.toSorted()).toEqual(['lock', 'look']);
    await worker.close();
  });

  it('goes on after a pause that would not end for a day', async () => {
    const done: string[] = [];
    await pool.query('insert into rate_limit (queue, points, expire_at_ms) values ($1, 1e9, $2)', [
      name,
      ahead(),
    ]);
    const queue = backend.queue(name);
    await queue.add('waits', {});
    await queue.close();
    await watch.check();
    const worker = backend.worker(name, async (job) => void done.push(job.name), { concurrency: 1 });
    await expect.poll(() => done).toEqual(['waits']);
    expect(said).toEqual(['pause']);
    await worker.close();
  });

  it('keeps what moves, and what is over soon', async () => {
    await loseJob();
    const patient = new PostgresWatch(pool, silent, { interval: hour, unmovedFor: hour });
    const locks = async () => (await pool.query('select locked_until_ms from job')).rows;
    await patient.check();
    const before = await locks();
    await patient.check();
    expect(await locks()).toEqual(before);
    patient.stop();
    await pool.query("update job set locked_until_ms = 1, state = 'active'");
    await pool.query("delete from meta where field = 'stalled-check'");
    await pool.query('insert into rate_limit (queue, points, expire_at_ms) values ($1, 1, $2)', [
      name,
      Date.now() + hour,
    ]);
    await watch.check();
    expect(said).toEqual([]);
  });
});
