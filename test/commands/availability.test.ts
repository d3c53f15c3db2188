import { describe, expect, it } from 'vitest';
import { bundledTokens } from '../../src/catalog/index.ts';
import { Market } from '../../src/simulator/index.ts';
import { v1Metrics } from '../support/catalogue.ts';
import type { Ended } from './cli.ts';
import { createCliWorld } from './cli-world.ts';

const sample = new Market({ seed: 1 });
const lacking = bundledTokens.find(({ token }) => !sample.hasGranularity(token, '1h'))?.token ?? '';

describe('a backfill of a token that has no such windows', () => {
  const world = createCliWorld({
    simulator: { seed: 1, market: { lateShare: 0, changedShare: 0 } },
    settings: { TOKENS: `BTC,${lacking}`, GRANULARITIES: '1h' },
  });

  const run = (from: string, to: string, ...more: string[]) =>
    world.run(['backfill', '--from', from, '--to', to, '--json', ...more]);
  const valuesOf = (ended: Ended) => (JSON.parse(ended.stdout) as { values: number }).values;
  const hours = (number: number) => number * v1Metrics.length;
  const askedFor = () => world.simulator.log.flatMap(({ business }) => business?.token);

  it('takes what its dry run said; later ones leave the token out, but for one that names it', async () => {
    expect(valuesOf(await run('2025-06-01', '2025-06-03', '--dry-run'))).toBe(2 * hours(48));
    const first = await run('2025-06-01', '2025-06-03');
    expect(first.code).toBe(0);
    expect(askedFor()).toContain(lacking);

    // Of a range that was never asked for, twenty windows are looked at before the rest is left out.
    expect(valuesOf(await run('2025-06-03', '2025-06-05', '--dry-run'))).toBe(hours(48) + hours(20));
    const named = ['--token', `BTC,${lacking}`, '--dry-run'];
    expect(valuesOf(await run('2025-06-03', '2025-06-05', ...named))).toBe(2 * hours(48));
    world.simulator.clearLog();
    expect((await run('2025-06-03', '2025-06-05')).code).toBe(0);
    expect(askedFor()).toContain('BTC');
    world.simulator.clearLog();
    expect(valuesOf(await run('2025-06-03', '2025-06-05', '--dry-run'))).toBe(0);
    expect((await run('2025-06-03', '2025-06-05')).code).toBe(0);
    expect(askedFor()).toEqual([]);
  });

  it('asks on for a token that the order names when it is taken up again', async () => {
    const small = { RECORD_LIMIT: '200' };
    const order = ['backfill', '--from', '2025-06-05', '--to', '2025-06-07', '--token', lacking, '--json'];
    const stopped = await world.run([...order, '--max-requests', '1'], small);
    expect(stopped.code).toBe(75);
    world.simulator.clearLog();
    const resumed = await world.run(['backfill', 'resume', '--json'], small);
    expect(resumed).toMatchObject({ code: 0 });
    expect(JSON.parse(resumed.stdout)).toMatchObject({ end: 'done', valuesLeft: 0 });
    // Another token shows that the API has values of these windows at all.
    expect(new Set(askedFor())).toEqual(new Set([lacking, 'BTC']));
  });

  it('looks at its newest windows where the range ends more than a week after its newest answer', async () => {
    const later = ['2025-07-01', '2025-07-02'] as const;
    expect(valuesOf(await run(...later, '--dry-run'))).toBe(hours(24) + hours(2) + hours(20));
    world.simulator.clearLog();
    const ended = await run(...later);
    expect(ended).toMatchObject({ code: 0 });
    expect(askedFor()).toContain(lacking);
    // Looked at: it is left out again.
    expect(valuesOf(await run(...later, '--dry-run'))).toBe(0);
  });
});
