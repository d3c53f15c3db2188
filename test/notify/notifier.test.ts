import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pino } from 'pino';
import { beforeAll, beforeEach, expect, it } from 'vitest';
import { emptyTables } from '../../harness/empty-tables.ts';
import { Relay } from '../../harness/relay.ts';
import { Notifier, type NotifierOptions } from '../../src/notify/notifier.ts';
import { storeAnswer } from '../../src/store/answers/write.ts';
import { Database } from '../../src/store/connection/database.ts';
import { storeDesiredScope } from '../../src/store/ledger/desired-scope.ts';
import { noteEvent } from '../../src/store/ledger/events.ts';
import { closeBreaker, openBreaker } from '../../src/store/limits/breaker.ts';
import { answer, mentions, row } from '../store/answers/answering.ts';
import { hour, ManualClock, minute } from '../support/clock.ts';
import { createTestDatabase, describeOnServers } from '../support/database.ts';
import { testSettings } from '../support/pipeline.ts';
import { onFileEnd } from '../support/releasers.ts';

/** A chat that keeps what it was told, and may refuse it. */
async function openChat() {
  const chat = { texts: [] as string[], status: 200, url: '' };
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => {
      body += chunk;
    });
    request.on('end', () => {
      if (chat.status === 200) chat.texts.push(JSON.parse(body).text);
      response.writeHead(chat.status).end('ok');
    });
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  onFileEnd(async () => void server.close());
  chat.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/services/SECRET`;
  return chat;
}

describeOnServers('the notifier', (kind) => {
  let database: Database;
  let chat: Awaited<ReturnType<typeof openChat>>;
  let clock: ManualClock;
  let logged: string[];
  const stated = testSettings({ GRANULARITIES: '1h', TOKENS: 'BTC', HISTORY_START: '2025-06-20' });

  beforeAll(async () => {
    database = await createTestDatabase(kind);
    chat = await openChat();
  });
  beforeEach(async () => {
    await emptyTables(database.pool);
    clock = new ManualClock('2025-06-20T10:30:00Z');
    chat.texts = [];
    chat.status = 200;
    logged = [];
    await storeDesiredScope(database, stated);
  });

  const notifier = (more: Partial<NotifierOptions> = {}) =>
    new Notifier({
      ...{ database, clock, stated, webhook: chat.url, ...more },
      log: pino({ level: 'info' }, { write: (line: string) => void logged.push(line) }),
    });
  /** What was told besides that the clock of the test is far from the database's. */
  const told = () => chat.texts.filter((text) => !/clocks differ/.test(text));
  /** The newest window that is due gets its value. */
  const catchUp = async () => {
    const time = Math.floor((clock.now() - 75 * minute) / hour) * hour;
    await storeAnswer(
      database,
      answer({ from: time, to: time + hour, rows: [row('BTC', time, { [mentions]: 7 })] }),
    );
  };

  it('tells that data are late, once, by whichever process looks first, and that they come again', async () => {
    await Promise.all([notifier().look(), notifier().look(), notifier().look()]);
    clock.advance(minute);
    await notifier().look();
    expect(told()).toEqual([
      expect.stringMatching(/data are late\n• nothing yet: nothing was ever asked of the API\n/),
    ]);
    await catchUp();
    await notifier().look();
    expect(told().slice(1)).toEqual(['Cryptoracle: well again\n• the newest windows come in time']);
  });

  it('tells a refusal with its reason, and what became of orders since it first looked', async () => {
    await catchUp();
    await noteEvent(database, {
      kind: 'order done',
      at: clock.now(),
      subject: '1',
      message: 'order 1 is done',
    });
    await notifier().look();
    expect(told()).toEqual([]);
    clock.advance(minute);
    await noteEvent(database, {
      kind: 'order failed',
      at: clock.now(),
      subject: '2',
      message: 'order 2 died',
    });
    await openBreaker(database, { code: 202, reason: 'code 202: unauthorized' }, clock.now(), minute);
    await notifier().look();
    expect(told().sort()).toEqual([
      'Cryptoracle: backfill\n• order 2 died',
      expect.stringMatching(
        /the API refuses\n• access refused: code 202.*\nCheck the credentials.*\n`cryptoracle doctor`/,
      ),
    ]);
    await closeBreaker(database);
    clock.advance(minute);
    await notifier().look();
    expect(chat.texts).toContain('Cryptoracle: well again\n• the API gives access');
  });

  it('tells what is wrong with queue, disk and clock, as the page does, with what helps', async () => {
    await catchUp();
    let queueProblem: string | undefined = 'READONLY';
    const watched = notifier({ queueProblem: () => queueProblem });
    await watched.look();
    expect(chat.texts).toEqual([
      expect.stringMatching(/^Cryptoracle: the queue does not work\n• queue outage: READONLY\nStart Redis/),
      expect.stringMatching(/^Cryptoracle: clocks differ\n• clocks differ: .*\nHave the clocks set by NTP/),
    ]);
    queueProblem = undefined;
    await watched.look();
    expect(chat.texts.slice(2)).toEqual(['Cryptoracle: well again\n• the queue takes writes']);
  });

  it('tells that the database is away once it has been for two minutes, once, and that it is back', {
    timeout: 60_000,
  }, async () => {
    await catchUp();
    const way = await Relay.open(database.url, 5432);
    onFileEnd(() => way.close());
    const through = new Database(way.url, { connections: 2 });
    onFileEnd(() => through.close());
    const watched = notifier({ database: through });
    await watched.look();
    chat.texts = [];
    way.cut();
    await watched.look();
    clock.advance(minute);
    await watched.look();
    expect(chat.texts).toEqual([]);
    for (let look = 0; look < 3; look++) {
      clock.advance(minute);
      await watched.look();
    }
    expect(chat.texts).toEqual([
      expect.stringMatching(/^Cryptoracle: the database does not work\n• .*\nStart PostgreSQL/),
    ]);
    way.recover();
    while (chat.texts.length < 2) await watched.look();
    expect(chat.texts[1]).toBe('Cryptoracle: well again\n• the database answers');
  });

  it('tries again where the chat does not take it, says so once, and never prints its address', async () => {
    chat.status = 500;
    const failing = notifier();
    await failing.look();
    clock.advance(minute);
    await failing.look();
    chat.status = 200;
    clock.advance(minute);
    await failing.look();
    expect(told()).toHaveLength(1);
    const messages = logged.map((line) => JSON.parse(line).msg);
    expect(messages.filter((message) => message !== 'told by the webhook')).toEqual([
      'notifications do not arrive: tried again every minute',
      'notifications arrive again',
    ]);
    expect(logged.join('')).not.toContain('SECRET');
  });
});
