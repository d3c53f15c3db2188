import { randomBytes } from 'node:crypto';
import { afterEach, describe, expect, inject, it } from 'vitest';
import { Relay } from '../../harness/relay.ts';
import { systemClock } from '../../src/clock.ts';
import { UserError } from '../../src/errors.ts';
import { openQueueBackend } from '../../src/queue/backend.ts';
import { queuePrefix } from '../../src/queue/identity.ts';
import { planQueue } from '../../src/queue/jobs.ts';
import { PipelineClaim, type PipelineClaimOptions } from '../../src/queue/pipeline-claim.ts';
import { Database } from '../../src/store/connection/database.ts';
import { createTestDatabase, describeOnServers, rows, silent } from '../support/database.ts';
import { testSettings } from '../support/pipeline.ts';
import { onFileEnd } from '../support/releasers.ts';

const lost: UserError[] = [];
const claims: PipelineClaim[] = [];
afterEach(async () => {
  for (const claim of claims.splice(0)) await claim.release();
});

function claim(
  database: Database,
  environment: Record<string, string>,
  times: Pick<PipelineClaimOptions, 'interval' | 'freedAfter'> = {},
): Promise<void> {
  const desired = testSettings(environment);
  const made = new PipelineClaim({
    ...{ database, desired, clock: systemClock, log: silent, ...times },
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

  it('are told apart though the table of what is wanted was emptied, and the first writes it again', async () => {
    const database = await createTestDatabase(kind);
    const granularities = () => rows(database, 'select granularity, tokens from cryptoracle.wanted');
    await claim(database, { TOKENS: 'BTC,ETH', GRANULARITIES: '1h', KEEP_1H: '90d' });
    await rows(database, 'truncate cryptoracle.wanted');
    const other = { TOKENS: 'BTC', GRANULARITIES: '1h', KEEP_1H: '30d' };
    await expect(claim(database, other)).rejects.toThrow(/^TOKENS, KEEP_1H: another pipeline/);
    expect(await granularities()).toEqual([]);
    // This one looks often.
    await claim(database, { TOKENS: 'BTC,ETH', GRANULARITIES: '1h', KEEP_1H: '90d' }, { interval: 20 });
    const wanted = [{ granularity: '1h', tokens: ['BTC', 'ETH'] }];
    await expect.poll(granularities).toEqual(wanted);
    await rows(database, `update cryptoracle.wanted set tokens = '{DOGE}'`);
    await expect.poll(granularities).toEqual(wanted);
  });

  it('may follow one another where the first was cut off and is heard of no more', async () => {
    const database = await createTestDatabase(kind);
    const way = await Relay.open(database.url, 5432);
    const cutOff = new Database(way.url, { connections: 4 });
    onFileEnd(async () => {
      await way.close();
      await cutOff.close();
    });
    await claim(cutOff, { GRANULARITIES: '1h' }, { interval: 60_000, freedAfter: 1000 });
    await expect(claim(database, { GRANULARITIES: '1d' })).rejects.toThrow(/GRANULARITIES/);
    way.silence('all');
    await expect
      .poll(() => claim(database, { GRANULARITIES: '1d' }).then(() => 'taken', String), { timeout: 60_000 })
      .toBe('taken');
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
    await claim(database, { GRANULARITIES: '1h' }, { interval: 200 });
    const held = `select pid from pg_locks where locktype = 'advisory' and mode = 'ShareLock' and granted
      and database = (select oid from pg_database where datname = current_database())`;
    const [before] = await rows<{ pid: number }>(database, held);
    await rows(database, `select pg_terminate_backend(pid) from (${held}) as h`);
    await expect
      .poll(async () => (await rows<{ pid: number }>(database, held))[0]?.pid ?? before?.pid, {
        timeout: 60_000,
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
