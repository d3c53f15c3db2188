import { sql } from 'drizzle-orm';
import { beforeAll, expect, it } from 'vitest';
import { Relay } from '../../../harness/relay.ts';
import { Database } from '../../../src/store/connection/database.ts';
import { isOutage } from '../../../src/store/connection/errors.ts';
import { createTestDatabase, describeOnServers } from '../../support/database.ts';
import { onFileEnd } from '../../support/releasers.ts';

async function openWay(url: string): Promise<Relay> {
  const way = await Relay.open(url, 5432);
  onFileEnd(() => way.close());
  return way;
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
