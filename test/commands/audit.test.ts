import { beforeAll, describe, expect, it } from 'vitest';
import { hour, minute } from '../support/clock.ts';
import { expectMistake } from './cli.ts';
import { createCliWorld } from './cli-world.ts';

describe('audit', () => {
  const world = createCliWorld({ settings: { TOKENS: 'BTC', GRANULARITIES: '1h' } });

  it('says that nothing was compared yet', async () => {
    const { code, stdout, stderr } = await world.run(['audit']);
    expect(code, stderr).toBe(0);
    expect(stdout).toMatch(/^nothing was asked for once more yet/);
    expect(stdout).toContain('no settings follow from that yet');
  });

  describe('of many calls', () => {
    beforeAll(async () => {
      // 500 windows, each asked for one and two hours after it was due; every tenth had changed after the first hour.
      const newest = Math.floor(Date.now() / hour) * hour - 10 * hour;
      await world.database.pool.query(
        `with windows as (select n, $1::timestamptz - n * interval '1 hour' as time from generate_series(1, 500) as n),
           calls as (
             insert into cryptoracle.requests (sent_at, what, lane, granularity, windows_from, windows_to, tokens, metrics,
               outcome, code, records, milliseconds)
             select time + later * interval '1 hour' + interval '76 minutes', 'values', 'lookback', '1h', time,
               time + interval '1 hour', '{BTC}', '{CO-A-01-05,CO-A-02-03}', 'answered', 200, 20, 0
             from windows cross join generate_series(1, 2) as later
           )
         insert into cryptoracle.revisions (granularity, token, time, metric, old, new, revised_at)
         select '1h', 'BTC', time, 'CO-A-01-05', 1, 2, time + interval '136 minutes' from windows where n % 10 = 0`,
        [new Date(newest)],
      );
    });

    it('tells the share that changed by age, with its interval, and what follows', async () => {
      const { code, stdout, stderr } = await world.run(['audit', '--json']);
      expect(code, stderr).toBe(0);
      const result = JSON.parse(stdout);
      expect(result.granularities[0].classes).toMatchObject([
        { windowsLater: 1, compared: 10_000, changed: 50, rate: 0.005 },
        { windowsLater: 2, compared: 10_000, changed: 0, rate: 0 },
      ]);
      // statsmodels: proportion_confint(50, 10000, method='wilson').
      expect(result.granularities[0].classes[0].low).toBeCloseTo(0.003795, 5);
      expect(result.granularities[0].classes[0].high).toBeCloseTo(0.006585, 5);
      expect(result.implied).toEqual({
        lookbackWindows: 2,
        settleDelaySeconds: (75 * minute) / 1000,
        isSure: true,
      });
      const strict = JSON.parse((await world.run(['audit', '--json', '--tolerated', '1'])).stdout);
      expect(strict.implied).toEqual({ lookbackWindows: 1, settleDelaySeconds: 900, isSure: true });
    });

    it('is read at a terminal of 80 columns', async () => {
      const { stdout } = await world.run(['audit', '--utc']);
      for (const line of stdout.split('\n')) expect(line.length, line).toBeLessThanOrEqual(80);
      expect(stdout).toMatch(/^1h +1 h +10,000 +50 +0\.500% +0\.379% +0\.659% +0$/m);
      expect(stdout).toContain('LOOKBACK_WINDOWS=2 would suffice (here 4)');
      expect(stdout).toContain('SETTLE_DELAY=75m');
    });
  });

  it('tells of a mistake in one line', async () => {
    expectMistake(await world.run(['audit', '--tolerated', 'few']), ['--tolerated', 'few']);
  });
});
