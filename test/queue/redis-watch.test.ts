import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { Redis } from 'ioredis';
import { pino } from 'pino';
import { afterAll, describe, expect, inject, it } from 'vitest';
import { RedisWatch } from '../../src/queue/redis-watch.ts';

/** A Redis of the test's own, which it may make a replica of nothing. */
async function startRedis() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  server.close();
  const child = spawn('redis-server', ['--port', String(port), '--bind', '127.0.0.1', '--save', ''], {
    stdio: 'ignore',
  });
  const redis = new Redis(port, '127.0.0.1', { maxRetriesPerRequest: 100, retryStrategy: () => 50 });
  redis.on('error', () => {});
  await redis.ping();
  return { child, redis };
}

describe.skipIf(inject('redisUrl') === null)('a Redis that takes no writes', () => {
  const releasers: (() => void)[] = [];
  afterAll(() => {
    for (const release of releasers) release();
  });

  it('is told once when that begins and once when it is over, whatever the reason', async () => {
    const { child, redis } = await startRedis();
    const lines: { level: number; reason?: string }[] = [];
    const log = pino({ level: 'info' }, { write: (line: string) => void lines.push(JSON.parse(line)) });
    const impatient = redis.duplicate({ maxRetriesPerRequest: 0 });
    impatient.on('error', () => {});
    const watch = new RedisWatch(impatient, 'test', log, 1_000_000);
    releasers.push(
      () => child.kill('SIGKILL'),
      () => redis.disconnect(),
      () => impatient.disconnect(),
      () => watch.stop(),
    );
    await watch.check();
    expect([watch.problem, lines]).toEqual([undefined, []]);

    await redis.config('SET', 'min-replicas-to-write', '1');
    for (let times = 0; times < 3; times++) await watch.check();
    expect(watch.problem).toMatch(/NOREPLICAS/);
    await redis.config('SET', 'min-replicas-to-write', '0');
    for (let times = 0; times < 3; times++) await watch.check();
    expect(watch.problem).toBeUndefined();

    await redis.replicaof('127.0.0.1', '1');
    await watch.check();
    expect(watch.problem).toMatch(/READONLY/);
    expect(lines.map(({ level }) => level)).toEqual([40, 30, 40]);

    child.kill('SIGKILL');
    await once(child, 'exit');
    await watch.check();
    expect(watch.problem).toBeDefined();
    expect(lines).toHaveLength(3);
  });
});
