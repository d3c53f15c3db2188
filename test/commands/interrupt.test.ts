import { beforeEach, describe, expect, it } from 'vitest';
import { compareWithTruth } from '../../harness/truth.ts';
import { asToken } from '../../src/catalog/index.ts';
import { v1Metrics } from '../support/catalogue.ts';
import { rows } from '../support/database.ts';
import { errorLines } from './cli.ts';
import { createCliWorld } from './cli-world.ts';

/** 2025-06-01 to 2025-06-03 in Beijing: 48 hours. */
const range = { start: Date.UTC(2025, 4, 31, 16), end: Date.UTC(2025, 5, 2, 16) };
const command = ['backfill', '--from', '2025-06-01', '--to', '2025-06-03', '--granularity', '1h', '--json'];

describe('Ctrl-C', () => {
  const world = createCliWorld({
    simulator: { behaviour: { recordLimit: 100 } },
    settings: { TOKENS: 'BTC,ETH', RECORD_LIMIT: '100', FETCH_CONCURRENCY: '3' },
  });
  beforeEach(() => world.reset());

  it.each(['SIGINT', 'SIGTERM'] as const)(
    '(%s) ends a slow backfill soon, with 75, and a further run completes the data',
    async (signal) => {
      const { database, simulator } = world;
      simulator.setFaults({ slow: { probability: 1, milliseconds: 1500 } });
      const before = simulator.counters.requests;
      const running = world.start(command);
      await expect.poll(() => simulator.counters.requests - before, { timeout: 60_000 }).toBeGreaterThan(3);
      const interrupted = performance.now();
      running.process.kill(signal);
      const first = await running.ended;
      expect(performance.now() - interrupted).toBeLessThan(5000);
      expect(first.code).toBe(75);
      expect(errorLines(first)).toEqual([expect.stringContaining('stopped')]);
      expect(JSON.parse(first.stdout)).toMatchObject({ end: 'stopped' });
      expect(JSON.parse(first.stdout).valuesLeft).toBeGreaterThan(0);
      const state = 'select state, ended_at is null as open from cryptoracle.backfills';
      expect(await rows(database, state)).toEqual([{ state: 'stopped', open: false }]);

      simulator.setFaults({});
      const second = await world.run(command);
      expect(second.code).toBe(0);
      expect(JSON.parse(second.stdout)).toMatchObject({ end: 'done', valuesLeft: 0 });
      const tokens = ['BTC', 'ETH'].map(asToken);
      const wanted = new Map([['1h', range]] as const);
      const compared = await compareWithTruth(database, simulator.market, tokens, wanted, undefined);
      expect(compared.differences).toEqual([]);
      expect(compared.withValue).toBe(2 * v1Metrics.length * 48);
    },
  );

  it('is not needed where the terminal has gone: a backfill ends by itself, and can be resumed', async () => {
    const { simulator } = world;
    simulator.setFaults({ slow: { probability: 1, milliseconds: 1500 } });
    const running = world.start(command);
    running.process.stderr?.destroy();
    expect((await running.ended).code).toBe(75);
    simulator.setFaults({});
    const resumed = await world.run(['backfill', 'resume', '--json']);
    expect(resumed.code, resumed.stderr).toBe(0);
    expect(JSON.parse(resumed.stdout)).toMatchObject({ end: 'done', valuesLeft: 0 });
  });
});
