import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { pino } from 'pino';
import { expect, it } from 'vitest';
import { DatabaseWatch } from '../../src/queue/database-watch.ts';
import { Database } from '../../src/store/connection/database.ts';
import { ManualClock, minute } from '../support/clock.ts';
import { createTestDatabase, describeOnServers, rows } from '../support/database.ts';
import { onFileEnd } from '../support/releasers.ts';

/** A way to a server that can be closed and opened again. */
async function openWay(url: string) {
  const target = new URL(url);
  const sockets = new Set<Socket>();
  const relay = createServer((client) => {
    const server = connect(Number(target.port || 5432), target.hostname);
    for (const socket of [client, server]) {
      sockets.add(socket);
      socket.on('error', () => {});
    }
    client.pipe(server).pipe(client);
    client.on('close', () => server.destroy());
    server.on('close', () => client.destroy());
  });
  const open = async (port: number) => {
    relay.listen(port, '127.0.0.1');
    await once(relay, 'listening');
    const address = relay.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  };
  const close = async () => {
    const closed = once(relay, 'close');
    relay.close();
    for (const socket of sockets) socket.destroy();
    await closed;
  };
  const port = await open(0);
  const through = new URL(url);
  through.host = `127.0.0.1:${port}`;
  return { url: through.href, close, reopen: () => open(port) };
}

describeOnServers('an outage of the database', (kind) => {
  it('is told when it begins and when it is over, and is an event then', async () => {
    const direct = await createTestDatabase(kind);
    const way = await openWay(direct.url);
    const database = new Database(way.url, { connections: 2 });
    onFileEnd(async () => {
      await database.close();
      await way.close();
    });
    const begin = Date.parse('2025-06-20T00:00:00Z');
    const clock = new ManualClock(begin);
    const told: [number, string][] = [];
    const log = pino(
      { level: 'info' },
      { write: (line: string) => told.push([JSON.parse(line).level, JSON.parse(line).msg]) },
    );
    const watch = new DatabaseWatch(database, clock, log);
    await watch.check();
    expect(watch.note(new Error('anything else'))).toBe(false);
    expect(told).toEqual([]);

    await way.close();
    await watch.check();
    // Whoever meets it, too, needs no words of their own.
    const met = await database.pool.query('select 1').catch((error: unknown) => error);
    expect(watch.note(met)).toBe(true);
    clock.advance(3 * minute);
    await watch.check();
    expect(told).toEqual([[50, expect.stringContaining('the database is away')]]);

    await way.reopen();
    clock.advance(minute);
    await watch.check();
    expect(told.slice(1)).toEqual([[30, 'the database is back']]);
    // Another process noticed it a little later.
    const other = new DatabaseWatch(database, new ManualClock(begin + minute), log);
    other.note(met);
    await other.check();
    await Promise.all([watch.stop(), other.stop()]);
    const events = await rows(direct, 'select kind, at, until, is_open from cryptoracle.events');
    expect(events).toEqual([
      {
        ...{ kind: 'database outage', is_open: false },
        ...{ at: new Date(begin), until: new Date(begin + 4 * minute) },
      },
    ]);
  });
});
