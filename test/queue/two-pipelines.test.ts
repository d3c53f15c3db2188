import { randomBytes } from 'node:crypto';
import { afterEach, describe, expect, inject, it } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { UserError } from '../../src/errors.ts';
import { openQueueBackend } from '../../src/queue/backend.ts';
import { queuePrefix } from '../../src/queue/identity.ts';
import { planQueue } from '../../src/queue/jobs.ts';
import { PipelineClaim } from '../../src/queue/pipeline-claim.ts';
import type { Database } from '../../src/store/connection/database.ts';
import { createTestDatabase, describeOnServers, rows, silent } from '../support/database.ts';
import { testSettings } from '../support/pipeline.ts';

const lost: UserError[] = [];
const claims: PipelineClaim[] = [];
afterEach(async () => {
  for (const claim of claims.splice(0)) await claim.release();
});

function claim(database: Database, environment: Record<string, string>): Promise<void> {
  const desired = testSettings(environment);
  const made = new PipelineClaim({
    ...{ database, desired, clock: systemClock, log: silent },
    onLost: (error) => lost.push(error),
  });
  claims.push(made);
  return made.take();
}

describeOnServers('two pipelines on one database', (kind) => {
  it('may run where they want the same, and the second is refused by name where not', async () => {
    const database = await createTestDatabase(kind);
    await claim(database, { TOKENS: 'BTC,ETH', GRANULARITIES: '1h,4h' });
    await claim(database, { TOKENS: 'ETH,BTC', GRANULARITIES: '4h,1h' });
    const refused = claim(database, { TOKENS: 'BTC', GRANULARITIES: '1d' });
    await expect(refused).rejects.toThrow(UserError);
    await expect(refused).rejects.toThrow(/^GRANULARITIES, TOKENS: another pipeline/);
    const wanted = await rows(database, 'select granularity from cryptoracle.wanted order by 1');
    expect(wanted).toEqual([{ granularity: '1h' }, { granularity: '4h' }]);
  });

  it('may follow one another with other settings', async () => {
    const database = await createTestDatabase(kind);
    await claim(database, { GRANULARITIES: '1h' });
    await claims.pop()?.release();
    await claim(database, { GRANULARITIES: '1d' });
    const wanted = await rows(database, 'select granularity from cryptoracle.wanted');
    expect(wanted).toEqual([{ granularity: '1d' }]);
  });

  it('keep their claim over a connection that is cut', async () => {
    const database = await createTestDatabase(kind);
    await claim(database, { GRANULARITIES: '1h' });
    const held = `select pid from pg_locks where locktype = 'advisory' and mode = 'ShareLock' and granted
      and database = (select oid from pg_database where datname = current_database())`;
    const [before] = await rows<{ pid: number }>(database, held);
    await rows(database, `select pg_terminate_backend(pid) from (${held}) as h`);
    await expect
      .poll(async () => (await rows<{ pid: number }>(database, held))[0]?.pid ?? before?.pid, {
        timeout: 40_000,
      })
      .not.toBe(before?.pid);
    await expect(claim(database, { GRANULARITIES: '1d' })).rejects.toThrow(/GRANULARITIES/);
    expect(lost).toEqual([]);
  });
});

describe.skipIf(inject('redisUrl') === null)('two databases on one Redis', () => {
  it('have queues of their own, which stay theirs', async () => {
    const [one, other] = [
      await createTestDatabase('plain PostgreSQL'),
      await createTestDatabase('plain PostgreSQL'),
    ];
    expect(await queuePrefix(one, undefined)).toBe(await queuePrefix(one, undefined));
    expect(await queuePrefix(one, undefined)).not.toBe(await queuePrefix(other, undefined));
    expect(await queuePrefix(one, 'mine')).toBe('mine');
    const redisUrl = inject('redisUrl') ?? undefined;
    const backends = [];
    for (const database of [one, other])
      backends.push(await openQueueBackend({ redisUrl, database, log: silent }));
    const [mine, theirs] = backends.map((backend) => backend.queue(planQueue));
    const name = randomBytes(4).toString('hex');
    await mine?.add(name, { task: 'heal' });
    const names = async (queue: typeof mine) => (await queue?.getJobs(['waiting']))?.map((job) => job.name);
    expect(await names(mine)).toContain(name);
    expect(await names(theirs)).not.toContain(name);
    for (const queue of [mine, theirs]) await queue?.close();
    for (const backend of backends) await backend.close();
  });
});
