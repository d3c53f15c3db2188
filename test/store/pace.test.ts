import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { Database } from '../../src/store/database.ts';
import { Pace } from '../../src/store/pace.ts';
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
        await pace.turn();
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
    await pace.turn();
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
    await pace.turn();
    await pace.holdBack(500);
    await pace.holdBack(10);
    const [first] = await turns([pace], 1);
    expect(first).toBeGreaterThan(480);
  });

  it('is left by who is aborted while waiting, with the reason', async () => {
    const pace = new Pace(database, 0.1);
    await pace.turn();
    const stop = new AbortController();
    const reason = new Error('enough');
    const started = performance.now();
    const waiting = pace.turn(stop.signal);
    setTimeout(() => stop.abort(reason), 50);
    await expect(waiting).rejects.toBe(reason);
    expect(performance.now() - started).toBeLessThan(2000);
  });

  it('gives no turn, and takes none from others, where it is aborted before', async () => {
    const pace = new Pace(database, 1);
    await pace.turn();
    const before = await value<Date>(database, 'select next_at from cryptoracle.pace');
    await expect(pace.turn(AbortSignal.abort(new Error('enough')))).rejects.toThrow('enough');
    expect(await value<Date>(database, 'select next_at from cryptoracle.pace')).toEqual(before);
  });
});
