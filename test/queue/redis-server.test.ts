import { once } from 'node:events';
import { createServer } from 'node:net';
import { networkInterfaces } from 'node:os';
import { describe, expect, inject, it } from 'vitest';
import { RedisServer } from '../../harness/servers.ts';
import { TryLaterError, UserError } from '../../src/errors.ts';
import { probeRedis } from '../../src/queue/redis-server.ts';
import { onFileEnd } from '../support/releasers.ts';

/** The address of a server that says its word to everybody who connects, and hangs up, as Redis does. */
async function turnsAway(words: string): Promise<string> {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.end(words, () => socket.destroy());
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onFileEnd(async () => void server.close());
  const address = server.address();
  return `127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
}

const denied =
  '-DENIED Redis is running in protected mode because protected mode is enabled and no password is set for the default user.\r\n';
const full = '-ERR max number of clients reached\r\n';

/** An address of this machine that is not the loopback's. */
const outward = Object.values(networkInterfaces())
  .flat()
  .find((each) => each?.family === 'IPv4' && !each.internal)?.address;

describe('a Redis that turns connections away', () => {
  it.each([
    ['redis://ADDRESS', denied, UserError, /protected mode.*password.*REDIS_URL/],
    ['redis+sentinel://ADDRESS/main', denied, UserError, /protected mode/],
    ['redis://ADDRESS', full, TryLaterError, /maxclients/],
  ])('is told at %s with its reason', async (form, words, kind, says) => {
    const failure: unknown = await probeRedis(form.replace('ADDRESS', await turnsAway(words))).catch(
      (error: unknown) => error,
    );
    expect(failure).toBeInstanceOf(kind);
    expect(String(failure)).toMatch(says);
    expect(String(failure)).not.toContain('EPIPE');
  });

  it('is told as one that does not answer where it says nothing', async () => {
    await expect(probeRedis(`redis://${await turnsAway('')}`)).rejects.toThrow(/no Redis answers at/);
  });

  it.skipIf(inject('redisUrl') === null || outward === undefined)(
    'is told of a real one in protected mode, asked from elsewhere',
    async () => {
      const server = await RedisServer.start(['--bind', '0.0.0.0', '--protected-mode', 'yes']);
      onFileEnd(() => server.stop());
      await expect(probeRedis(`redis://${outward}:${server.port}`)).rejects.toThrow(/protected mode/);
    },
  );
});
