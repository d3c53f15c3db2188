import { pino } from 'pino';
import { beforeAll, expect, it } from 'vitest';
import { asToken } from '../../src/catalog/index.ts';
import type { Simulator } from '../../src/simulator/index.ts';
import type { Database } from '../../src/store/connection/database.ts';
import { createIngestor, startTestSimulator } from '../support/api.ts';
import { v1Metrics } from '../support/catalogue.ts';
import { day, ManualClock, minute } from '../support/clock.ts';
import { createTestDatabase, describeOnServers, rows } from '../support/database.ts';

const start = Date.parse('2025-06-02T00:00:00Z');

describeOnServers('an outage of the API', (kind) => {
  let database: Database;
  let simulator: Simulator;
  const clock = new ManualClock('2025-06-20T00:00:00Z');
  const told: string[] = [];
  const log = pino(
    { level: 'info' },
    { write: (line: string) => told.push(`${JSON.parse(line).level} ${JSON.parse(line).msg}`) },
  );
  beforeAll(async () => {
    database = await createTestDatabase(kind);
    simulator = await startTestSimulator({ clock });
  });

  it('is one event and two lines, however many calls fail', async () => {
    const ingestor = createIngestor(database, simulator, clock, { log });
    const ask = (number: number) =>
      ingestor.ingest(
        {
          ...{ granularity: '1d', tokens: [asToken('BTC')], metrics: v1Metrics, tags: [] },
          interval: { start: start + number * day, end: start + (number + 1) * day },
        },
        'live',
      );
    await ask(0);
    const begin = clock.now();
    simulator.setFaults({ error503: { probability: 1 } });
    for (let number = 1; number <= 10; number++) {
      await ask(number).catch(() => {});
      clock.advance(10_000);
    }
    expect(ingestor.isApiOut).toBe(true);
    const outages = () =>
      rows<{ at: Date; until: Date; is_open: boolean; message: string }>(
        database,
        "select at, until, is_open, message from cryptoracle.events where kind = 'api outage' order by id",
      );
    expect(await outages()).toMatchObject([
      { is_open: true, message: expect.stringMatching(/answers no call: .*50/) },
    ]);

    simulator.setFaults({});
    clock.advance(minute);
    const end = clock.now();
    await ask(1);
    expect(ingestor.isApiOut).toBe(false);
    const [outage, ...others] = await outages();
    expect(others).toEqual([]);
    expect(outage).toMatchObject({ until: new Date(end), is_open: false });
    // The first failed call began within a moment of the instant at which it was asked.
    expect(Math.abs((outage?.at.getTime() ?? 0) - begin)).toBeLessThan(5000);
    expect(told.filter((line) => /answers/.test(line))).toEqual([
      '40 the API answers no call: what is missing is asked for again',
      '30 the API answers again',
    ]);
  });

  it('that a process left open is ended by the first answer to another', async () => {
    await database.pool.query(
      `insert into cryptoracle.events (at, until, is_open, kind, message)
       values ($1, $1, true, 'api outage', 'left behind')`,
      [new Date(clock.now() - day)],
    );
    const other = createIngestor(database, simulator, clock);
    await other.refreshTokens();
    expect(await rows(database, 'select from cryptoracle.events where is_open')).toEqual([]);
  });
});
