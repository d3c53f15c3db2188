import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Lane, lanes } from '../../../src/planning/lanes.ts';
import { Database } from '../../../src/store/connection/database.ts';
import { closeBreaker, openBreaker } from '../../../src/store/limits/breaker.ts';
import { BudgetSpent, RateLimiter, readSentToday } from '../../../src/store/limits/rate-limiter.ts';
import { createTestDatabase, describeOnServers, value } from '../../support/database.ts';

describeOnServers('the rateLimiter of calls', (kind) => {
  let database: Database;
  let other: Database;
  beforeAll(async () => {
    database = await createTestDatabase(kind);
    other = new Database(database.url, { connections: 8 });
  });
  afterAll(() => other.close());
  beforeEach(() => database.pool.query('truncate cryptoracle.pace'));

  /** When each of so many turns of each rateLimiter came, sorted; milliseconds since they were asked for. */
  async function turns(paces: readonly RateLimiter[], ofEach: number): Promise<number[]> {
    const asked = performance.now();
    const all = paces.flatMap((rateLimiter) =>
      Array.from({ length: ofEach }, async () => {
        await rateLimiter.acquire('live');
        return performance.now() - asked;
      }),
    );
    return (await Promise.all(all)).sort((a, b) => a - b);
  }

  it('is kept evenly by two processes together', async () => {
    const instants = await turns([new RateLimiter(database, 50), new RateLimiter(other, 50)], 35);
    expect(instants).toHaveLength(70);
    // No turn comes before its place in the row; how much later it comes is up to how busy this machine is.
    for (const [place, instant] of instants.entries()) expect(instant).toBeGreaterThan(place * 20 - 5);
    expect(instants.at(-1)).toBeLessThan(69 * 20 + 5000);
  });

  it('forgets turns from before the clock of the server was set back', async () => {
    await database.pool.query("insert into cryptoracle.pace (next_at) values (now() + interval '3 hours')");
    const [instant] = await turns([new RateLimiter(database, 50)], 1);
    expect(instant).toBeLessThan(5000);
  });

  it('takes the turns of callers who wait together in one statement, within what the day has left', async () => {
    const today = () =>
      value<string>(database, "select (clock_timestamp() at time zone 'Asia/Shanghai')::date::text");
    let statements = 0;
    let fulfilled = 0;
    const observe = (name: string) => {
      if (name === 'take turn') statements++;
    };
    const watched = new Database(database.url, { connections: 4, observe });
    try {
      // A day that ends meanwhile brings further calls: then once more.
      for (let day = ''; day !== (await today()); ) {
        day = await today();
        await database.pool.query('truncate cryptoracle.pace');
        const need = { live: 0, lookback: 0 };
        const rateLimiter = new RateLimiter(watched, 10_000, { requestsPerDay: 25, need });
        await rateLimiter.acquire('live');
        statements = 0;
        const all = Array.from({ length: 30 }, () => rateLimiter.acquire('live'));
        const results = await Promise.allSettled(all);
        fulfilled = results.filter(({ status }) => status === 'fulfilled').length;
      }
      expect(fulfilled).toBe(24);
      expect(statements).toBeLessThanOrEqual(3);
    } finally {
      await watched.close();
    }
  });

  it('is not caught up after a pause', async () => {
    const rateLimiter = new RateLimiter(database, 50);
    await rateLimiter.acquire('live');
    await new Promise((done) => setTimeout(done, 300));
    const instants = await turns([rateLimiter], 6);
    expect(instants.at(-1)).toBeGreaterThan(5 * 20 - 5);
  });

  it('lets the first turn come at once', async () => {
    const [first] = await turns([new RateLimiter(database, 0.05)], 1);
    expect(first).toBeLessThan(10_000);
  });

  it('is held back for everybody', async () => {
    const paces = [new RateLimiter(database, 200), new RateLimiter(other, 200)] as const;
    await turns(paces, 2);
    await paces[0].holdBack(600);
    const instants = await turns(paces, 3);
    expect(instants[0]).toBeGreaterThan(580);
    expect(instants.at(-1)).toBeLessThan(10_000);
  });

  it('is held back even before the first turn was taken', async () => {
    await new RateLimiter(database, 200).holdBack(400);
    const [first] = await turns([new RateLimiter(other, 200)], 1);
    expect(first).toBeGreaterThan(380);
  });

  it('is held back for the longest time that was asked for', async () => {
    const rateLimiter = new RateLimiter(database, 200);
    await rateLimiter.acquire('live');
    await rateLimiter.holdBack(500);
    await rateLimiter.holdBack(10);
    const [first] = await turns([rateLimiter], 1);
    expect(first).toBeGreaterThan(480);
  });

  it('is left by who is aborted while waiting, with the reason', async () => {
    const rateLimiter = new RateLimiter(database, 0.1);
    await rateLimiter.acquire('live');
    const stop = new AbortController();
    const reason = new Error('enough');
    const started = performance.now();
    const waiting = rateLimiter.acquire('live', stop.signal);
    setTimeout(() => stop.abort(reason), 50);
    await expect(waiting).rejects.toBe(reason);
    expect(performance.now() - started).toBeLessThan(2000);
  });

  it('gives no turn, and takes none from others, while the breaker is open, unless it is to be passed', async () => {
    const rateLimiter = new RateLimiter(database, 1000);
    expect(await rateLimiter.acquireWhileGranted('live')).toBe(true);
    await openBreaker(other, { code: 204, reason: 'no access' }, Date.now(), 60_000);
    const before = await value<Date>(database, 'select next_at from cryptoracle.pace');
    for (const lane of lanes) expect(await rateLimiter.acquireWhileGranted(lane)).toBe(false);
    expect(await value<Date>(database, 'select next_at from cryptoracle.pace')).toEqual(before);
    await rateLimiter.acquire('live');
    expect(await value<Date>(database, 'select next_at from cryptoracle.pace')).not.toEqual(before);
    await closeBreaker(other);
    expect(await rateLimiter.acquireWhileGranted('live')).toBe(true);
  });

  it('gives no turn, and takes none from others, where it is aborted where it is aborted before', async () => {
    const rateLimiter = new RateLimiter(database, 1);
    await rateLimiter.acquire('live');
    const before = await value<Date>(database, 'select next_at from cryptoracle.pace');
    await expect(rateLimiter.acquire('live', AbortSignal.abort(new Error('enough')))).rejects.toThrow(
      'enough',
    );
    expect(await value<Date>(database, 'select next_at from cryptoracle.pace')).toEqual(before);
  });

  const sleep = (milliseconds: number) => new Promise((done) => setTimeout(done, milliseconds));

  it('lets the newest windows wait for one turn at most, however many others wait', async () => {
    const stop = new AbortController();
    const history = [database, other].map((each) => new RateLimiter(each, 2));
    const waiting = history.flatMap((rateLimiter) =>
      [1, 2, 3, 4].map(() => rateLimiter.acquire('history', stop.signal).catch(() => {})),
    );
    await sleep(300);
    const asked = performance.now();
    await new RateLimiter(other, 2).acquire('live');
    // A turn that was taken just before, and the lead.
    expect(performance.now() - asked).toBeLessThan(3000);
    stop.abort();
    await Promise.all(waiting);
  });

  it('serves repairs before the look-back, and the look-back before history', async () => {
    const rateLimiter = new RateLimiter(database, 20);
    const order: string[] = [];
    const take = async (lane: Lane) => {
      await rateLimiter.acquire(lane);
      order.push(lane);
    };
    // All turns that are near are taken when the lanes come.
    await rateLimiter.holdBack(1000);
    const lanesOfCallers = ['history', 'history', 'lookback', 'lookback', 'repair', 'repair'] as const;
    await Promise.all(lanesOfCallers.map(take));
    expect(order).toEqual([...lanesOfCallers].reverse());
  });

  describe('with a daily budget', () => {
    const need = { live: 10, lookback: 5 };
    const setDay = (sent: number, day = "(now() at time zone 'Asia/Shanghai')::date") =>
      database.pool.query(
        `insert into cryptoracle.pace (next_at, day, sent_today) values (now(), ${day}, ${sent})`,
      );
    const canSend = async (requestsPerDay: number) => {
      const rateLimiter = new RateLimiter(database, 1000, { requestsPerDay, need });
      const answers = await Promise.all(lanes.map((lane) => rateLimiter.canSend(lane)));
      return lanes.filter((_, position) => answers[position] === true);
    };

    it('keeps for each lane what the lanes before it need in the rest of the day', async () => {
      const partLeft = await value<number>(
        database,
        `select (1 - extract(epoch from local - local::date) / 86400)::float8
         from (select now() at time zone 'Asia/Shanghai' as local) as t`,
      );
      await setDay(100);
      const enough = (reserve: number) => 101 + Math.ceil(reserve * partLeft + 0.01);
      expect(await canSend(enough(15))).toEqual([...['live', 'repair', 'lookback', 'history', 'audit']]);
      expect(await canSend(enough(10))).not.toContain(partLeft > 0.25 ? 'history' : 'nothing');
      expect(await canSend(101)).toEqual(['live']);
      expect(await canSend(100)).toEqual([]);
    });

    it('says when it goes on, and counts every turn of every process', async () => {
      const rateLimiter = new RateLimiter(database, 1000, {
        requestsPerDay: 3,
        need: { live: 0, lookback: 0 },
      });
      const another = new RateLimiter(other, 1000, { requestsPerDay: 3, need: { live: 0, lookback: 0 } });
      await rateLimiter.acquire('live');
      await another.acquire('history');
      await another.acquire('repair');
      expect(await readSentToday(database)).toBe(3);
      const spent = await rateLimiter.acquire('live').catch((error: unknown) => error);
      expect(spent).toBeInstanceOf(BudgetSpent);
      const tomorrow = await value<Date>(
        database,
        "select ((now() at time zone 'Asia/Shanghai')::date + 1)::timestamp at time zone 'Asia/Shanghai'",
      );
      expect(spent).toMatchObject({ lane: 'live', until: tomorrow.getTime() });
      expect(await readSentToday(database)).toBe(3);
    });

    it('begins anew on the next day in Beijing', async () => {
      await setDay(1000, "(now() at time zone 'Asia/Shanghai')::date - 1");
      const rateLimiter = new RateLimiter(database, 1000, {
        requestsPerDay: 2,
        need: { live: 0, lookback: 0 },
      });
      expect(await readSentToday(database)).toBe(0);
      await rateLimiter.acquire('history');
      expect(await readSentToday(database)).toBe(1);
    });
  });
});
