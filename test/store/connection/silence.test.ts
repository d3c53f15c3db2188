import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { sql } from 'drizzle-orm';
import { beforeAll, expect, it } from 'vitest';
import { Database } from '../../../src/store/connection/database.ts';
import { isOutage } from '../../../src/store/connection/errors.ts';
import { createTestDatabase, describeOnServers } from '../../support/database.ts';
import { onFileEnd } from '../../support/releasers.ts';

/** A way to a server that can go silent: it stays open, takes what it is sent, and passes nothing on. */
async function openWay(url: string) {
  const target = new URL(url);
  const sockets = new Set<Socket>();
  const silent = new Set<Socket>();
  let isSilent = false;
  const relay = createServer((client) => {
    const server = connect(Number(target.port || 5432), target.hostname);
    for (const [from, to] of [
      [client, server],
      [server, client],
    ] as const) {
      sockets.add(from);
      if (isSilent) silent.add(from);
      from.on('data', (chunk) => {
        if (!silent.has(from)) to.write(chunk);
      });
      from.on('close', () => to.destroy());
      from.on('error', () => to.destroy());
    }
  });
  relay.listen(0, '127.0.0.1');
  await once(relay, 'listening');
  onFileEnd(async () => {
    for (const socket of sockets) socket.destroy();
    relay.close();
  });
  const address = relay.address();
  const through = new URL(url);
  through.host = `127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
  return {
    url: through.href,
    /** Silences what is open, and for `all` what is opened from now on, too. */
    silence(which: 'open ones' | 'all') {
      for (const socket of sockets) silent.add(socket);
      isSilent = which === 'all';
    },
    recover() {
      isSilent = false;
    },
  };
}

describeOnServers('a database behind a way that goes silent', (kind) => {
  let direct: Database;
  beforeAll(async () => {
    direct = await createTestDatabase(kind);
  });

  async function openBehind() {
    const way = await openWay(direct.url);
    const database = new Database(way.url, {
      connections: 2,
      silence: { askAfter: 300, answerWithin: 400, arriveWithin: 100 },
    });
    onFileEnd(() => database.close());
    const work = () => database.query('work', sql`select 1 as one`);
    await work();
    return { way, database, work };
  }

  it('goes on where one connection is silent and others are not', async () => {
    const { way, database } = await openBehind();
    let attempts = 0;
    const found = await database.transaction(async (tx) => {
      if (++attempts === 1) way.silence('open ones');
      return database.query('work', sql`select 1 as one`, tx);
    });
    expect(found).toEqual([{ one: 1 }]);
    expect(attempts).toBe(2);
  });

  it('counts as an outage while all is silent, and works again soon after', async () => {
    const { way, work } = await openBehind();
    way.silence('all');
    const failure: unknown = await work().catch((error: unknown) => error);
    expect(isOutage(failure)).toBe(true);
    way.recover();
    expect(await work()).toEqual([{ one: 1 }]);
  });

  it('is not given up because a statement takes long', async () => {
    const { database } = await openBehind();
    const slow = sql`select pg_sleep(2), 1 as one`;
    expect(await database.query('sleep', slow)).toMatchObject([{ one: 1 }]);
    await database.exclusively('a lock', async () => {
      const waiting = database.exclusivelyIfFree('a lock', async () => 'taken');
      expect(await waiting).toBeUndefined();
    });
  });

  it('ends work on a lock whose connection is silent', async () => {
    const { way, database } = await openBehind();
    const held = database.exclusively('a lock', async (connection) => {
      way.silence('open ones');
      await connection.query('work', 'select 1');
    });
    expect(isOutage(await held.catch((error: unknown) => error))).toBe(true);
  });

  it('does not keep the program from ending', async () => {
    const { way, database } = await openBehind();
    way.silence('all');
    const started = performance.now();
    await database.close();
    expect(performance.now() - started).toBeLessThan(6000);
  });
});
