import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Lane, lanes } from '../../src/planning/lanes.ts';
import { Database } from '../../src/store/database.ts';
import { BudgetSpent, Pace, readSentToday } from '../../src/store/pace.ts';
import { createTestDatabase, describeOnServers, value } from '../support/database.ts';

describeOnServers('the pace of calls', (kind) => {
  let database: Database;
  let other: Database;
  beforeAll(async () => {
    database = await createTestDatabase(kind);
    other = new Database(database.url, { connections: 8 });
  });
  afterAll(() => other.close());
  beforeEach(() => database.pool.query('truncate cryptoracle.pace'));

  /** When each of so many turns of each pace came, sorted; milliseconds since they were asked for. */
  async function turns(paces: readonly Pace[], ofEach: number): Promise<number[]> {
    const asked = performance.now();
    const all = paces.flatMap((pace) =>
      Array.from({ length: ofEach }, async () => {
        await pace.turn('live');
        return performance.now() - asked;
      }),
    );
    return (await Promise.all(all)).sort((a, b) => a - b);
  }

  it('is kept evenly by two processes together', async () => {
    const instants = await turns([new Pace(database, 50), new Pace(other, 50)], 35);
    expect(instants).toHaveLength(70);
    // No turn comes before its place in the row; how much later it comes is up to how busy this machine is.
    for (const [place, instant] of instants.entries()) expect(instant).toBeGreaterThan(place * 20 - 5);
    expect(instants.at(-1)).toBeLessThan(69 * 20 + 5000);
  });

  it('forgets turns from before the clock of the server was set back', async () => {
    await database.pool.query("insert into cryptoracle.pace (next_at) values (now() + interval '3 hours')");
    const [instant] = await turns([new Pace(database, 50)], 1);
    expect(instant).toBeLessThan(5000);
  });

  it('is not caught up after a pause', async () => {
    const pace = new Pace(database, 50);
    await pace.turn('live');
    await new Promise((done) => setTimeout(done, 300));
    const instants = await turns([pace], 6);
    expect(instants.at(-1)).toBeGreaterThan(5 * 20 - 5);
  });

  it('lets the first turn come at once', async () => {
    const [first] = await turns([new Pace(database, 0.05)], 1);
    expect(first).toBeLessThan(10_000);
  });

  it('is held back for everybody', async () => {
    const paces = [new Pace(database, 200), new Pace(other, 200)] as const;
    await turns(paces, 2);
    await paces[0].holdBack(600);
    const instants = await turns(paces, 3);
    expect(instants[0]).toBeGreaterThan(580);
    expect(instants.at(-1)).toBeLessThan(10_000);
  });

  it('is held back even before the first turn was taken', async () => {
    await new Pace(database, 200).holdBack(400);
    const [first] = await turns([new Pace(other, 200)], 1);
    expect(first).toBeGreaterThan(380);
  });

  it('is held back for the longest time that was asked for', async () => {
    const pace = new Pace(database, 200);
    await pace.turn('live');
    await pace.holdBack(500);
    await pace.holdBack(10);
    const [first] = await turns([pace], 1);
    expect(first).toBeGreaterThan(480);
  });

  it('is left by who is aborted while waiting, with the reason', async () => {
    const pace = new Pace(database, 0.1);
    await pace.turn('live');
    const stop = new AbortController();
    const reason = new Error('enough');
    const started = performance.now();
    const waiting = pace.turn('live', stop.signal);
    setTimeout(() => stop.abort(reason), 50);
    await expect(waiting).rejects.toBe(reason);
    expect(performance.now() - started).toBeLessThan(2000);
  });

  it('gives no turn, and takes none from others, where it is aborted before', async () => {
    const pace = new Pace(database, 1);
    await pace.turn('live');
    const before = await value<Date>(database, 'select next_at from cryptoracle.pace');
    await expect(pace.turn('live', AbortSignal.abort(new Error('enough')))).rejects.toThrow('enough');
    expect(await value<Date>(database, 'select next_at from cryptoracle.pace')).toEqual(before);
  });

  const sleep = (milliseconds: number) => new Promise((done) => setTimeout(done, milliseconds));

  it('lets the newest windows wait for one turn at most, however many others wait', async () => {
    const stop = new AbortController();
    const history = [database, other].map((each) => new Pace(each, 2));
    const waiting = history.flatMap((pace) =>
      [1, 2, 3, 4].map(() => pace.turn('history', stop.signal).catch(() => {})),
    );
    await sleep(300);
    const asked = performance.now();
    await new Pace(other, 2).turn('live');
    // A turn that was taken just before, and the lead of half a second.
    expect(performance.now() - asked).toBeLessThan(1500);
    stop.abort();
    await Promise.all(waiting);
  });

  it('serves repairs before the look-back, and the look-back before history', async () => {
    const pace = new Pace(database, 20);
    const order: string[] = [];
    const take = async (lane: Lane) => {
      await pace.turn(lane);
      order.push(lane);
    };
    // All turns that are near are taken when the lanes come.
    await pace.holdBack(1000);
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
      const pace = new Pace(database, 1000, { requestsPerDay, need });
      const answers = await Promise.all(lanes.map((lane) => pace.canSend(lane)));
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
      expect(await canSend(enough(15))).toEqual(['live', 'repair', 'lookback', 'history']);
      expect(await canSend(enough(10))).not.toContain(partLeft > 0.25 ? 'history' : 'nothing');
      expect(await canSend(101)).toEqual(['live']);
      expect(await canSend(100)).toEqual([]);
    });

    it('says when it goes on, and counts every turn of every process', async () => {
      const pace = new Pace(database, 1000, { requestsPerDay: 3, need: { live: 0, lookback: 0 } });
      const another = new Pace(other, 1000, { requestsPerDay: 3, need: { live: 0, lookback: 0 } });
      await pace.turn('live');
      await another.turn('history');
      await another.turn('repair');
      expect(await readSentToday(database)).toBe(3);
      const spent = await pace.turn('live').catch((error: unknown) => error);
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
      const pace = new Pace(database, 1000, { requestsPerDay: 2, need: { live: 0, lookback: 0 } });
      expect(await readSentToday(database)).toBe(0);
      await pace.turn('history');
      expect(await readSentToday(database)).toBe(1);
    });
  });
});
