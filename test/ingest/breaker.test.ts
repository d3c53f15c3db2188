import { beforeAll, beforeEach, expect, it } from 'vitest';
import { asToken } from '../../src/catalog/index.ts';
import type { Ingestor } from '../../src/ingest/ingestor.ts';
import type { Simulator } from '../../src/simulator/index.ts';
import type { Database } from '../../src/store/connection/database.ts';
import { makeProbeDue, readBreaker } from '../../src/store/limits/breaker.ts';
import { startServer } from '../api/server.ts';
import { createIngestor, startTestSimulator } from '../support/api.ts';
import { v1Metrics } from '../support/catalogue.ts';
import { day, ManualClock, minute } from '../support/clock.ts';
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
