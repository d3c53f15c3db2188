import { pino } from 'pino';
import { beforeAll, describe, expect, it } from 'vitest';
import { UserError } from '../../src/errors.ts';
import { openQueueBackend, rateLimitError } from '../../src/queue/backend.ts';
import { fetchQueue, queueNames } from '../../src/queue/jobs.ts';
import { ensureQueueMigrated, migrateQueue } from '../../src/queue/schema.ts';
import type { Database } from '../../src/store/connection/database.ts';
import { createTestDatabase, describeOnServers, dropQueue, rows, value } from '../support/database.ts';
import { grantsOf } from '../support/grants.ts';
import { createLogin } from '../support/logins.ts';
import { openTestQueue } from '../support/pipeline.ts';

const denied = { code: '42501' };
const patience = { timeout: 60_000 };

/** All that BullMQ has made, with the rights on it and what is in its list of migrations. */
async function dump(database: Database) {
  const statements = [
    `select oid, relname, relkind, relacl::text from pg_class
     where relnamespace = 'bullmq'::regnamespace order by relname`,
    "select oid, xmin::text, proname from pg_proc where pronamespace = 'bullmq'::regnamespace order by oid",
    'select * from bullmq.migration order by version',
    "select schemaname, sequencename, last_value from pg_sequences where schemaname = 'bullmq' order by 2",
  ];
  return Promise.all(statements.map((statement) => rows(database, statement)));
}

/** Adds a job of each kind that the program adds: alone and together, without a number of its own. */
async function addJobs(database: Database): Promise<void> {
  const backend = await openTestQueue('PostgreSQL', database);
  for (const name of queueNames) {
    const queue = backend.queue(name);
    await queue.add('one', {}, { delay: 60_000 });
    await queue.addBulk([{ name: 'two', data: {} }]);
    await queue.close();
  }
  await backend.close();
}

describeOnServers("the queue's schema", (kind) => {
  let database: Database;
  beforeAll(async () => {
    database = await createTestDatabase(kind);
  });

  it('is made by the owner who opens a queue first, also where several open one at once', async () => {
    const fresh = await createTestDatabase(kind);
    await dropQueue(fresh);
    await Promise.all([1, 2, 3, 4].map(() => ensureQueueMigrated(fresh)));
    await addJobs(fresh);
    expect(await value(fresh, 'select count(*)::int from bullmq.job')).toBe(2 * queueNames.length);
  });

  it('is left alone where it is the newest', async () => {
    await migrateQueue(database);
    const before = await dump(database);
    await ensureQueueMigrated(database);
    await migrateQueue(database);
    expect(await dump(database)).toEqual(before);
  });

  it('lets the worker do what is listed here, and the reader nothing', async () => {
    const ofQueue = async (role: string) =>
      Object.entries(await grantsOf(database, role)).filter(([name]) => /\bbullmq\b|^database$/.test(name));
    const sequences = await rows<{ name: string }>(
      database,
      "select 'bullmq.bullmq_jid_' || md5(queue) as name from unnest($1::text[]) as queue",
      [queueNames],
    );
    expect(Object.fromEntries(await ofQueue('cryptoracle_worker'))).toEqual({
      database: 'temporary',
      'schema bullmq': 'usage',
      'bullmq.event': 'delete, insert, select',
      'bullmq.event_seq': 'usage',
      'bullmq.job': 'delete, insert, select, update',
      'bullmq.job_dependency': 'select',
      'bullmq.job_seq': 'usage',
      'bullmq.meta': 'insert, select, update',
      'bullmq.migration': 'select',
      'bullmq.rate_limit': 'insert, select, update',
      'bullmq.scheduler': 'delete, insert, select, update',
      ...Object.fromEntries(sequences.map(({ name }) => [name, 'usage'])),
    });
    expect(await ofQueue('cryptoracle_reader')).toEqual([]);
  });

  describe('opened by a worker', () => {
    it('is used as it is', async () => {
      await migrateQueue(database);
      const before = await dump(database);
      await addJobs(await createLogin(database, 'cryptoracle_worker'));
      expect((await dump(database)).slice(0, 3)).toEqual(before.slice(0, 3));
      expect(await value(database, 'select count(*)::int from bullmq.job')).toBe(2 * queueNames.length);
    });

    it('does all that the program does with jobs', async () => {
      const fresh = await createTestDatabase(kind);
      await migrateQueue(fresh);
      // BullMQ cuts its list of events at every 256th event, once there are more than 10,000.
      await fresh.pool.query('alter sequence bullmq.event_seq increment by 256 restart with 102400');
      const troubles: string[] = [];
      const log = pino({ level: 'trace' }, { write: (line: string) => troubles.push(line) });
      const login = await createLogin(fresh, 'cryptoracle_worker');
      const backend = await openQueueBackend({ redisUrl: undefined, database: login, log });
      const queue = backend.queue(fetchQueue);
      await queue.setGlobalConcurrency(2);
      const outcomes: string[] = [];
      const worker = backend.worker(
        fetchQueue,
        async ({ name }) => {
          outcomes.push(name);
          if (name === 'fails') throw new Error('on purpose');
          if (name !== 'is too early' || outcomes.filter((each) => each === name).length > 1) return;
          throw rateLimitError();
        },
        { concurrency: 1 },
      );
      const names = ['succeeds', 'fails', 'is too early'];
      try {
        await queue.addBulk(names.map((name) => ({ name, data: {}, opts: { jobId: name } })));
        await expect.poll(() => outcomes, patience).toEqual([...names, 'is too early']);
        await queue.upsertJobScheduler('every second', { pattern: '* * * * * *' }, { name: 'scheduled' });
        await expect.poll(() => outcomes, patience).toContain('scheduled');
        expect((await queue.getJobSchedulers()).map(({ key }) => key)).toEqual(['every second']);
        await queue.removeJobScheduler('every second');
        const left = () => queue.getJobs(['waiting', 'failed', 'completed', 'delayed']);
        await expect.poll(left, patience).toEqual([]);
      } finally {
        await Promise.all([worker.close(), queue.close()]);
        await backend.close();
      }
      expect(troubles).toEqual([]);
    });

    it('stays as it is: nothing is made, changed, dropped or emptied', async () => {
      const worker = await createLogin(database, 'cryptoracle_worker');
      for (const statement of [
        'create table bullmq.mine (id int)',
        'create sequence bullmq.mine',
        'alter table bullmq.job add column mine int',
        'drop table bullmq.job cascade',
        'truncate bullmq.job',
        'drop function bullmq.next_job_id(text)',
        'drop schema bullmq cascade',
        'delete from bullmq.migration',
        'insert into bullmq.job_log values (1, 2, 3, 4)',
        'select from bullmq.relay_node',
      ])
        await expect(rows(worker, statement), statement).rejects.toMatchObject(denied);
    });

    it.each([
      ['missing', dropQueue],
      [
        'old',
        async (fresh: Database) => {
          await migrateQueue(fresh);
          await fresh.pool.query(
            'delete from bullmq.migration where version = (select max(version) from bullmq.migration)',
          );
        },
      ],
      [
        'without a sequence',
        async (fresh: Database) => {
          await migrateQueue(fresh);
          await fresh.pool.query(
            `drop sequence bullmq.bullmq_jid_${await value(fresh, "select md5('fetch')")}`,
          );
        },
      ],
      [
        'closed to it',
        async (fresh: Database) => {
          await migrateQueue(fresh);
          await fresh.pool.query('revoke usage on schema bullmq from cryptoracle_worker');
        },
      ],
    ])('is one line that says who must do what where it is %s', async (_, prepare) => {
      const fresh = await createTestDatabase(kind);
      await prepare(fresh);
      const opened = openTestQueue('PostgreSQL', await createLogin(fresh, 'cryptoracle_worker'));
      await expect(opened).rejects.toBeInstanceOf(UserError);
      await expect(opened).rejects.toThrow(
        /^DATABASE_URL: the queue .* run `migrate` once, without REDIS_URL, as the owner/,
      );
    });

    it('is one line where it belongs to a newer program, for the owner too', async () => {
      const newer = await createTestDatabase(kind);
      await migrateQueue(newer);
      await newer.pool.query("insert into bullmq.migration values (999, 'of tomorrow', 999)");
      for (const login of [newer, await createLogin(newer, 'cryptoracle_worker')]) {
        const opened = openTestQueue('PostgreSQL', login);
        await expect(opened).rejects.toBeInstanceOf(UserError);
        await expect(opened).rejects.toThrow(/^DATABASE_URL: a newer version/);
      }
    });
  });

  it('is closed to a reader', async () => {
    await migrateQueue(database);
    const reader = await createLogin(database, 'cryptoracle_reader');
    for (const statement of ['select from bullmq.job', "select bullmq.next_job_id('plan')"])
      await expect(rows(reader, statement), statement).rejects.toMatchObject(denied);
    const opened = openTestQueue('PostgreSQL', reader);
    await expect(opened).rejects.toThrow(/not ready for this user/);
  });
});
