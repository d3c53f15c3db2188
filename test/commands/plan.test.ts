import { beforeAll, describe, expect, it } from 'vitest';
import { formatBeijingDate } from '../../src/beijing.ts';
import { thirteenMetrics } from '../support/catalogue.ts';
import { day } from '../support/clock.ts';
import { rows, value } from '../support/database.ts';
import { createCliWorld } from './cli-world.ts';

interface Plan {
  readonly summary: string;
  readonly change: Record<string, unknown> & { readonly callsPerDay: number; readonly bytesPerYear: number };
  readonly before: Side | null;
  readonly after: Side;
  readonly removes: readonly { readonly granularity: string; readonly rows: number }[];
}

interface Side {
  readonly callsPerDay: number;
  readonly bytesPerYear: number;
  readonly toFill: { readonly values: number; readonly requests: number; readonly seconds: number };
}

describe('plan', () => {
  const world = createCliWorld({
    settings: {
      ...{ TOKENS: 'BTC,ETH', GRANULARITIES: '4h,1d', METRICS: thirteenMetrics.join() },
      ...{
        HISTORY_START: formatBeijingDate(Date.now() - 20 * day),
        RECORD_LIMIT: '20',
        REQUESTS_PER_SECOND: '100',
      },
    },
  });
  const wider = { TOKENS: 'BTC,ETH,SOL,XRP', METRICS: thirteenMetrics.slice(2).join() };
  const plan = async (changes: Record<string, string> = {}) => {
    const { code, stdout, stderr } = await world.run(['plan', '--json'], changes);
    expect(code, stderr).toBe(0);
    return JSON.parse(stdout) as Plan;
  };

  beforeAll(async () => {
    expect(await plan()).toMatchObject({
      before: null,
      summary: expect.stringMatching(/^nothing was wanted yet, \+2 tokens/),
    });
    const { code, stderr } = await world.run(['backfill', '--from', '-10d', '--to', '-1d']);
    expect(code, stderr).toBe(0);
  });

  it('says that nothing changes where the settings are those of the pipeline', async () => {
    const { summary, change, before, after } = await plan();
    expect(summary).toMatch(/^nothing changes; .* to fill$/);
    expect(change).toMatchObject({ settings: [], callsPerDay: 0, bytesPerYear: 0, requestsToFill: 0 });
    expect(before).toEqual(after);
  });

  it('counts calls, disk and the way to a full history of other settings', async () => {
    const { change, before, after, summary } = await plan(wider);
    expect(change).toMatchObject({
      tokens: { added: ['SOL', 'XRP'], removed: [] },
      metrics: { added: [], removed: thirteenMetrics.slice(0, 2) },
    });
    // Seven ticks a day; 2 tokens × 13 metrics are 2 calls of 20, of four windows 6; 4 × 11 are 3 and 9.
    expect([before?.callsPerDay, after.callsPerDay]).toEqual([7 * (2 + 6), 7 * (3 + 9)]);
    // A row of 4h takes 240 bytes, one of 1d 285.
    expect(before?.bytesPerYear).toBe(2 * 365 * (6 * 240 + 285));
    expect(change.bytesPerYear).toBe(2 * 365 * (6 * 240 + 285));
    const dry = [
      'backfill',
      '--from',
      world.settings.HISTORY_START ?? '',
      '--to',
      'now',
      '--dry-run',
      '--json',
    ];
    const price = JSON.parse((await world.run(dry, wider)).stdout);
    expect(after.toFill).toMatchObject({
      values: price.values,
      requests: price.requests,
      seconds: price.seconds,
    });
    expect(summary).toMatch(/^\+2 tokens, −2 metrics: \+28 calls a day, \+1\.3 MB a year, \d+ s to fill$/);
  });

  it('tells what would be removed, and removes nothing', async () => {
    const count = () => value<number>(world.database, 'select count(*)::int from cryptoracle.metrics_4h');
    const stored = await count();
    const { removes, change } = await plan({ KEEP_4H: '5d' });
    expect(change.settings).toEqual(['KEEP_4H']);
    const old = await value<number>(
      world.database,
      "select count(*)::int from cryptoracle.metrics_4h where time < now() - interval '5 days'",
    );
    expect(removes).toEqual([{ granularity: '4h', rows: old }]);
    expect(old).toBeGreaterThan(0);
    expect(await count()).toBe(stored);
    expect((await plan({ CRYPTORACLE_API_VERSION: 'v2.1' })).change.settings).toEqual([
      'CRYPTORACLE_API_VERSION',
    ]);
    const wanted = await rows(world.database, 'select distinct tokens, keep from cryptoracle.wanted');
    expect(wanted).toEqual([{ tokens: ['BTC', 'ETH'], keep: null }]);
  });

  it('is read at a terminal of 80 columns', async () => {
    const { code, stdout } = await world.run(['plan'], { ...wider, KEEP_4H: '5d', TOKENS: 'BTC,NEWTOKEN' });
    expect(code).toBe(0);
    for (const line of stdout.split('\n')) expect(line.length, line).toBeLessThanOrEqual(80);
    for (const text of [
      'REMOVED by KEEP_4H',
      'tokens no longer fetched; what is stored stays: ETH',
      "'NEWTOKEN'",
    ]) {
      expect(stdout).toContain(text);
    }
  });
});
