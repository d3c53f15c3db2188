import { beforeAll, beforeEach, expect, it } from 'vitest';
import { ApiFailure } from '../../src/api/failure.ts';
import { asToken } from '../../src/catalog/index.ts';
import type { Ingestor } from '../../src/ingest/ingestor.ts';
import type { Simulator } from '../../src/simulator/index.ts';
import type { Database } from '../../src/store/connection/database.ts';
import { makeProbeDue, readBreaker } from '../../src/store/limits/breaker.ts';
import { startServer } from '../api/server.ts';
import { createIngestor, startTestSimulator } from '../support/api.ts';
import { v1Metrics } from '../support/catalogue.ts';
import { day, hour, ManualClock, minute } from '../support/clock.ts';
import { createTestDatabase, describeOnServers } from '../support/database.ts';

const probeInterval = minute;
const start = Date.parse('2025-06-02T00:00:00Z');
const request = (days: number) => ({
  granularity: '1d' as const,
  tokens: [asToken('BTC')],
  metrics: v1Metrics,
  tags: [],
  interval: { start, end: start + days * day },
});

describeOnServers('while the API refuses access', (kind) => {
  let database: Database;
  let simulator: Simulator;
  let clock: ManualClock;
  let ingestor: Ingestor;

  beforeAll(async () => {
    database = await createTestDatabase(kind);
  });

  beforeEach(async () => {
    clock = new ManualClock('2025-06-20T00:00:00Z');
    simulator = await startTestSimulator({ clock });
    await database.pool.query('truncate cryptoracle.coverage, cryptoracle.breaker, cryptoracle.metrics_1d');
    ingestor = createIngestor(database, simulator, clock);
    simulator.refuseEndpoint('endpoint');
    await ingestor.ingest(request(1), 'live').catch(() => {});
  });

  it('nothing more is sent, by any process, and the reason is kept', async () => {
    expect(simulator.counters.requests).toBe(1);
    const another = createIngestor(database, simulator, clock);
    for (const each of [ingestor, another]) {
      await expect(each.ingest(request(2), 'live')).rejects.toMatchObject({
        kind: 'access-denied',
        code: 204,
      });
    }
    expect(simulator.counters.requests).toBe(1);
    expect(await readBreaker(database)).toMatchObject({ code: 204, openedAt: clock.now() });
  });

  it('it is so whatever words the refusal comes with', async () => {
    await makeProbeDue(database, clock.now());
    const body = JSON.stringify({ code: 403, msg: 'not\0yours \ud800' });
    await using server = await startServer((response) => void response.end(body));
    const other = createIngestor(database, { url: server.url, credentials: simulator.credentials }, clock);
    await expect(other.ingest(request(2), 'live')).rejects.toMatchObject({ kind: 'access-denied' });
    expect(await readBreaker(database)).toMatchObject({ code: 403, reason: 'code 403: not yours \ufffd' });
  });

  it('one probe a minute is sent, whoever asks', async () => {
    for (let passed = 0; passed < 5; passed++) {
      clock.advance(probeInterval);
      const ingestors = [1, 2, 3].map(() => createIngestor(database, simulator, clock));
      await Promise.all(ingestors.map((each) => each.ingest(request(2), 'live').catch(() => {})));
      clock.advance(minute / 2);
      await ingestor.ingest(request(2), 'live').catch(() => {});
    }
    expect(simulator.counters.requests).toBe(1 + 5);
    expect(await readBreaker(database)).toMatchObject({ openedAt: Date.parse('2025-06-20T00:00:00Z') });
  });

  it('the first probe that succeeds lets everything go on', async () => {
    simulator.allowEndpoint('endpoint');
    await expect(ingestor.ingest(request(2), 'live')).rejects.toMatchObject({ kind: 'access-denied' });
    clock.advance(probeInterval);
    await ingestor.ingest(request(2), 'live');
    expect(await readBreaker(database)).toBeUndefined();
    await createIngestor(database, simulator, clock).ingest(request(4), 'live');
    expect(simulator.counters.byCode[200]).toBe(2);
  });

  it('a probe that fails in another way neither opens nor closes anything', async () => {
    simulator.setFaults({ error500: { probability: 1 } });
    clock.advance(probeInterval);
    await ingestor.ingest(request(2), 'live').catch(() => {});
    expect(await readBreaker(database)).toBeDefined();
  });

  it('a person who starts something makes a probe due at once', async () => {
    simulator.allowEndpoint('endpoint');
    await makeProbeDue(database, clock.now());
    await ingestor.ingest(request(2), 'live');
    expect(await readBreaker(database)).toBeUndefined();
  });

  it('a probe is sent though the clock was set back by a day', async () => {
    clock.advance(-day);
    simulator.allowEndpoint('endpoint');
    await ingestor.ingest(request(2), 'live');
    expect(await readBreaker(database)).toBeUndefined();
  });
});

describeOnServers('while the API finds every request wrong', (kind) => {
  let database: Database;
  let simulator: Simulator;
  let clock: ManualClock;

  beforeAll(async () => {
    database = await createTestDatabase(kind);
  });

  beforeEach(async () => {
    clock = new ManualClock('2025-06-20T00:00:00Z');
    simulator = await startTestSimulator({ clock });
    await database.pool.query(
      'truncate cryptoracle.coverage, cryptoracle.breaker, cryptoracle.metrics_1d, cryptoracle.requests',
    );
  });

  /** Sealed as the API does not open it. */
  const wrongly = () => {
    const credentials = { ...simulator.credentials, dataSecret: 'of-somebody-else' };
    return createIngestor(database, { url: simulator.url, credentials }, clock);
  };

  const failures = async (ingestor: Ingestor, requests: number) => {
    const kinds: unknown[] = [];
    for (let number = 2; number < requests + 2; number++) {
      const failure: unknown = await ingestor.ingest(request(number), 'history').catch((error) => error);
      kinds.push(failure instanceof ApiFailure ? failure.kind : failure);
    }
    return kinds;
  };

  it('some twenty calls find that out, for all processes, and then one in ten minutes is sent', async () => {
    expect((await failures(wrongly(), 30)).at(-1)).toBe('access-denied');
    const { requests } = simulator.counters;
    expect(requests).toBeGreaterThan(3);
    expect(requests).toBeLessThanOrEqual(20);
    expect(await readBreaker(database)).toMatchObject({ code: 201, openedAt: clock.now() });
    clock.advance(9 * minute);
    await failures(wrongly(), 3);
    expect(simulator.counters.requests).toBe(requests);
    clock.advance(minute);
    await failures(wrongly(), 3);
    expect(simulator.counters.requests).toBe(requests + 1);
    expect(await readBreaker(database)).toMatchObject({ code: 201 });
  });

  it('a person who has mended the settings and starts again has everything go on', async () => {
    await failures(wrongly(), 30);
    await makeProbeDue(database, clock.now());
    await createIngestor(database, simulator, clock).ingest(request(2), 'live');
    expect(await readBreaker(database)).toBeUndefined();
  });

  it('a probe that is wrong only as a whole is divided until its parts are answered', async () => {
    await failures(wrongly(), 30);
    clock.advance(10 * minute);
    // The half of the tokens is no more than the API gives at once.
    const tokens = ['BTC', 'ETH', 'SOL', 'XRP'].map(asToken);
    simulator.configure({ recordLimit: 4 * v1Metrics.length });
    const wrong = simulator.counters.byCode[201] ?? 0;
    const ingestor = createIngestor(database, simulator, clock);
    await ingestor.ingest({ ...request(2), tokens }, 'live').catch(() => {});
    expect(simulator.counters.byCode[201]).toBeGreaterThan(wrong);
    expect(await readBreaker(database)).toBeUndefined();
    const { rows } = await database.pool.query(
      'select distinct token from cryptoracle.metrics_1d order by 1',
    );
    expect(rows).toEqual(tokens.toSorted().map((token) => ({ token })));
  });

  it('nothing stops where something was answered within two hours', async () => {
    await createIngestor(database, simulator, clock).ingest(request(1), 'live');
    clock.advance(hour);
    expect(await failures(wrongly(), 30)).toEqual(Array.from({ length: 30 }, () => 'bad-request'));
    expect(await readBreaker(database)).toBeUndefined();
  });
});
