import { describe, expect, it } from 'vitest';
import { compareWithTruth } from '../../harness/truth.ts';
import { asToken } from '../../src/catalog/index.ts';
import { v1Metrics } from '../support/catalogue.ts';
import { rows } from '../support/database.ts';
import { errorLines } from './cli.ts';
import { createCliWorld } from './cli-world.ts';

/** 2025-06-01 to 2025-06-03 in Beijing: 48 hours. */
const range = { start: Date.UTC(2025, 4, 31, 16), end: Date.UTC(2025, 5, 2, 16) };
const command = ['backfill', '--from', '2025-06-01', '--to', '2025-06-03', '--granularity', '1h', '--json'];
const values = 2 * v1Metrics.length * 48;

describe('a backfill to which access is refused', () => {
  const world = createCliWorld({
    simulator: { behaviour: { recordLimit: 100 } },
    settings: { TOKENS: 'BTC,ETH', RECORD_LIMIT: '100' },
  });

  it('ends with 1, and completes the data as soon as it is granted again', async () => {
    const { simulator, database } = world;
    simulator.refuseEndpoint('endpoint');
    const first = await world.run(command);
    expect(first.code).toBe(1);
    expect(errorLines(first)).toEqual([expect.stringContaining('code 204')]);
    expect(JSON.parse(first.stdout)).toMatchObject({ end: 'access-denied', values: 0, valuesLeft: values });
    expect(await rows(database, 'select state from cryptoracle.backfills')).toEqual([{ state: 'failed' }]);
    // Nobody asks a hundred times where the first answer says no.
    expect(simulator.counters.requests).toBeLessThanOrEqual(4);

    simulator.allowEndpoint('endpoint');
    const second = await world.run(command);
    expect(second.code, second.stderr).toBe(0);
    const tokens = ['BTC', 'ETH'].map(asToken);
    const wanted = new Map([['1h', range]] as const);
    const compared = await compareWithTruth(database, simulator.market, tokens, wanted, undefined);
    expect(compared.differences).toEqual([]);
    expect(compared.withValue).toBe(values);
  });
});
