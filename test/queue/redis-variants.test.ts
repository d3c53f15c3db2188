import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { makeCertificates } from '../../harness/certificates.ts';
import { freePort, RedisSentinel, RedisServer } from '../../harness/servers.ts';
import { formatBeijingDate } from '../../src/beijing.ts';
import { UserError } from '../../src/errors.ts';
import { openQueueBackend } from '../../src/queue/backend.ts';
import { probeRedis } from '../../src/queue/redis-server.ts';
import { createFolder, type Environment, runCli, settingsFor, startCli } from '../commands/cli.ts';
import { startTestSimulator } from '../support/api.ts';
import { day } from '../support/clock.ts';
import { createTestDatabase, silent, value } from '../support/database.ts';
import { onFileEnd } from '../support/releasers.ts';

/** Redis as others run it. */

/** The rights that docs/operations.md gives to the user of a pipeline. */
const documentedRights = ['~cryptoracle-*', '&*', '+@all', '-@dangerous', '+info'];

async function startRedis(settings: readonly string[]): Promise<RedisServer> {
  const server = await RedisServer.start(settings);
  onFileEnd(() => server.stop());
  return server;
}

describe.skipIf(inject('redisUrl') === null)('Redis', () => {
  const folder = createFolder();

  describe('with TLS, users, numbered databases and a policy that evicts', () => {
    const certificates = makeCertificates('127.0.0.1');
    let server: RedisServer;
    let settings: Environment;
    let tlsPort = '';
    beforeAll(async () => {
      const { certificate, key, authority } = certificates;
      tlsPort = String(await freePort());
      server = await startRedis([
        ...['--tls-port', tlsPort, '--tls-auth-clients', 'no'],
        ...['--tls-cert-file', certificate, '--tls-key-file', key, '--tls-ca-cert-file', authority],
        ...['--user', 'pipeline', 'on', '>s3cret', ...documentedRights],
        ...['--user', 'limited', 'on', '>s3cret', '~*', '&*', '+@all', '-info'],
        ...['--maxmemory', '50mb', '--maxmemory-policy', 'allkeys-lru'],
      ]);
      const database = await createTestDatabase('plain PostgreSQL');
      settings = {
        ...settingsFor(await startTestSimulator({}), database.url),
        REDIS_URL: `rediss://pipeline:s3cret@127.0.0.1:${tlsPort}/3`,
        ...{ TOKENS: 'BTC,ETH', GRANULARITIES: '1d', HISTORY_START: formatBeijingDate(Date.now() - 9 * day) },
        HTTP_PORT: '0',
      };
      onFileEnd(async () => certificates.remove());
      stored = () => value<number>(database, 'select count(*)::int from cryptoracle.metrics_1d');
    });
    let stored = async () => 0;

    it('a pipeline runs on it with the rights that are documented, and warns of the policy', async () => {
      const trusting = { ...settings, NODE_EXTRA_CA_CERTS: certificates.authority };
      const running = startCli(folder, ['start'], trusting);
      await expect.poll(stored, { timeout: 60_000 }).toBeGreaterThan(10);
      expect(await server.command('info', 'keyspace')).toMatch(/^# Keyspace\r\ndb3:keys=\d+[^\r]*\r\n$/);
      running.process.kill('SIGINT');
      const { code, stderr } = await running.ended;
      expect(code, stderr).toBe(0);
      expect(stderr).toMatch(/"level":40.*"policy":"allkeys-lru".*noeviction/);
      expect(stderr).not.toMatch(/"level":50|NOPERM/);
      const doctor = await startCli(folder, ['doctor'], trusting).ended;
      expect(doctor.stdout).toMatch(/^warning +queue .*drops keys when its memory is full \(allkeys-lru\)/m);
    });

    it.each([
      ['an authority that nobody knows', {}, /certificate .* is not trusted .*NODE_EXTRA_CA_CERTS/],
      ['a wrong password', { username: 'pipeline', password: 'wrong' }, /refuses the user or its password/],
      ['a user that may not ask what it is', { username: 'limited' }, /lacks rights/],
      ['a database that is not there', { pathname: '/16' }, /no such database number/],
    ] as const)('%s is told', async (_, changes, message) => {
      const plain = Object.keys(changes).length > 0;
      const url = Object.assign(new URL(settings.REDIS_URL ?? ''), changes);
      const address = plain
        ? url.href.replace('rediss', 'redis').replace(tlsPort, String(server.port))
        : url.href;
      await expect(probeRedis(address)).rejects.toThrow(UserError);
      await expect(probeRedis(address)).rejects.toThrow(message);
    });
  });

  it('as a cluster is refused by name', async () => {
    const server = await startRedis(['--cluster-enabled', 'yes']);
    const database = await createTestDatabase('plain PostgreSQL');
    const opened = openQueueBackend({ redisUrl: server.url, database, log: silent });
    await expect(opened).rejects.toThrow(UserError);
    await expect(opened).rejects.toThrow(/^REDIS_URL: 127\.0\.0\.1:\d+ is a Redis Cluster/);
    const { stdout } = await runCli(folder, ['doctor'], {
      DATABASE_URL: database.url,
      REDIS_URL: server.url,
    });
    expect(stdout).toMatch(/^FAILED +queue +.*is a Redis Cluster/m);
  });

  describe('behind a Sentinel', () => {
    const password = randomBytes(6).toString('hex');
    const servers: RedisServer[] = [];
    let sentinel: RedisSentinel;
    let address = '';
    beforeAll(async () => {
      const user = ['--user', 'pipeline', 'on', `>${password}`, ...documentedRights];
      const master = await startRedis(user);
      const replica = await startRedis([...user, '--replicaof', '127.0.0.1', String(master.port)]);
      servers.push(master, replica);
      sentinel = await RedisSentinel.start(master.port, [`requirepass ${password}`]);
      // The first one is not there.
      address =
        `redis+sentinel://pipeline:${password}@127.0.0.1:1,127.0.0.1:${sentinel.port}/main/2` +
        `?sentinel_password=${password}`;
    });
    afterAll(() => sentinel.stop());

    it('jobs go to the server that it names, and after a failover to the next', {
      timeout: 60_000,
    }, async () => {
      await expect
        .poll(() => probeRedis(address).then(({ version }) => version), { timeout: 60_000 })
        .toMatch(/^\d/);
      const database = await createTestDatabase('plain PostgreSQL');
      const backend = await openQueueBackend({ redisUrl: address, database, log: silent });
      onFileEnd(() => backend.close());
      const name = randomBytes(4).toString('hex');
      const queue = backend.queue(name);
      const done: string[] = [];
      const worker = backend.worker(name, async (job) => void done.push(job.name), { concurrency: 1 });
      await queue.add('before', {});
      await expect.poll(() => done, { timeout: 60_000 }).toEqual(['before']);
      const [master, replica] = servers;
      // The replica has to be known, and to have caught up.
      await expect
        .poll(() => replica?.command('info', 'replication'), { timeout: 60_000 })
        .toContain('link_status:up');
      await master?.stop();
      await expect.poll(() => replica?.command('role'), { timeout: 60_000 }).toContain('master');
      await queue.add('after', {});
      await expect.poll(() => done, { timeout: 60_000 }).toEqual(['before', 'after']);
      await worker.close();
      await queue.close();
    });

    it('is named by the messages without its passwords', async () => {
      const unknown = probeRedis(address.replace('/main/', '/other/'));
      await expect(unknown).rejects.toThrow(
        new RegExp(
          `no Redis answers at other of the Sentinels 127\\.0\\.0\\.1:1, 127\\.0\\.0\\.1:${sentinel.port} `,
        ),
      );
      await expect(unknown).rejects.not.toThrow(password);
    });
  });
});
