import { expect, it } from 'vitest';
import { compareWithTruth, rowNotWanted } from '../../harness/truth.ts';
import { bundledTokens, type Granularity } from '../../src/catalog/index.ts';
import { wantedWindows } from '../../src/planning/plan.ts';
import { Market, type Simulator } from '../../src/simulator/index.ts';
import type { Database } from '../../src/store/connection/database.ts';
import { readCurrentStatus } from '../../src/store/reports/status.ts';
import { startTestSimulator } from '../support/api.ts';
import { v1Metrics } from '../support/catalogue.ts';
import { day, hour, ManualClock, minute } from '../support/clock.ts';
import { createTestDatabase, describeOnServers } from '../support/database.ts';
import { openTestQueue, quickerQueue, runPipeline, testSettings } from '../support/pipeline.ts';

const market = { lateShare: 0, changedShare: 0 };
const seed = 5;
const names = bundledTokens.map(({ token }) => token);
const sample = new Market({ seed, ...market });
const complete = names.slice(0, 3);
const lacking = names.filter((token) => !sample.hasGranularity(token, '15m')).slice(0, 3);
const tokens = [...complete, ...lacking];
const settingsFrom = (start: string) =>
  testSettings({ TOKENS: tokens.join(), HISTORY_START: start, GRANULARITIES: '15m,1d', TAGS: 'CO-B-01-01' });

/** Runs the pipeline until there is nothing left to do. */
async function fill(options: {
  readonly database: Database;
  readonly simulator: Simulator;
  readonly clock: ManualClock;
  readonly start: string;
}): Promise<void> {
  const { database, simulator, clock, start } = options;
  simulator.clearLog();
  const backend = await openTestQueue(quickerQueue(), database);
  const settings = settingsFrom(start);
  const pipeline = await runPipeline({ database, simulator, clock, settings, backend });
  await pipeline.idle();
  for (const granularity of settings.granularities) await pipeline.planner.planRecheck(granularity);
  await pipeline.idle();
  await pipeline.stop();
}

/** The windows of a token that the API was asked for, as texts. */
function asked(simulator: Simulator, granularity: Granularity, token: string): string[] {
  return simulator.log
    .filter(
      ({ business }) =>
        business?.timeType === granularity && Array.isArray(business.token) && business.token.includes(token),
    )
    .map(({ business }) => `${business?.startTime} ${business?.endTime}`);
}

describeOnServers('tokens that lack a granularity', (kind) => {
  const at = '2025-06-17T02:20:00Z';

  // How the API says that it has nothing is not the server's business: one of them is enough for the second way.
  it.each(kind === 'TimescaleDB' ? (['list'] as const) : (['list', '203'] as const))(
    'are not asked for any more once they are known, but for a look each week (empty answers are %s)',
    async (emptyAnswer) => {
      const clock = new ManualClock(at);
      const database = await createTestDatabase(kind);
      const simulator = await startTestSimulator({ clock, seed, market, behaviour: { emptyAnswer } });
      await fill({ database, simulator, clock, start: '2025-06-16' });
      for (const token of lacking) expect(asked(simulator, '15m', token)).not.toEqual([]);

      // A longer history, newer windows, the look-back and the daily recheck.
      clock.advance(hour);
      await fill({ database, simulator, clock, start: '2025-06-13' });
      for (const token of lacking) {
        expect(asked(simulator, '15m', token)).toEqual([]);
        expect(asked(simulator, '1d', token)).not.toEqual([]);
      }
      for (const token of complete) expect(asked(simulator, '15m', token).length).toBeGreaterThan(3);
      const settings = settingsFrom('2025-06-13');
      const status = await readCurrentStatus(database, settings, clock.now());
      const [fine] = status.granularities;
      expect(fine).toMatchObject({ granularity: '15m', answered: fine?.wanted });
      // The clock stands at 11:20 in Beijing: windows until 11:00 are due.
      const windows =
        (Date.parse('2025-06-17T03:00:00Z') - Date.parse('2025-06-12T16:00:00Z')) / (15 * minute);
      expect(fine?.wanted).toBe(complete.length * v1Metrics.length * windows);

      clock.advance(7 * day);
      await fill({ database, simulator, clock, start: '2025-06-13' });
      const newest = '2025-06-24 10:30:00 2025-06-24 10:59:59';
      for (const token of lacking) expect(new Set(asked(simulator, '15m', token))).toEqual(new Set([newest]));

      clock.advance(hour);
      await fill({ database, simulator, clock, start: '2025-06-13' });
      for (const token of lacking) expect(asked(simulator, '15m', token)).toEqual([]);
    },
  );

  it('are found with all their history once they have it', async () => {
    const clock = new ManualClock(at);
    const database = await createTestDatabase(kind);
    const before = await startTestSimulator({ clock, seed, market });
    await fill({ database, simulator: before, clock, start: '2025-06-16' });
    clock.advance(7 * day + hour);
    const after = await startTestSimulator({ clock, seed, market: { ...market, completeTokens: 200 } });
    await fill({ database, simulator: after, clock, start: '2025-06-16' });
    // The look brought a value; from the next plan on they are tokens like others. What was answered stays answered.
    await fill({ database, simulator: after, clock, start: '2025-06-16' });
    const wanted = wantedWindows(
      { start: Date.parse(at), end: clock.now() },
      ['15m'],
      clock.now(),
      15 * minute,
      '08:00',
    );
    const truth = await compareWithTruth(database, after.market, lacking, wanted, undefined);
    const differences = truth.differences.filter(
      ({ token, metric }) => lacking.some((each) => each === token) && metric !== rowNotWanted,
    );
    expect(differences).toEqual([]);
    expect(truth.withValue).toBeGreaterThan(20_000);
  });

  it('are nobody where the API gives nothing to anybody', async () => {
    const clock = new ManualClock(at);
    const database = await createTestDatabase(kind);
    const silent = { ...market, historyStart: Date.parse('2030-01-01T00:00:00Z') };
    const simulator = await startTestSimulator({ clock, seed, market: silent });
    await fill({ database, simulator, clock, start: '2025-06-16' });
    clock.advance(hour);
    await fill({ database, simulator, clock, start: '2025-06-16' });
    for (const token of tokens) expect(asked(simulator, '15m', token)).not.toEqual([]);
  });
});
