import { expect, it } from 'vitest';
import { compareWithTruth } from '../../harness/truth.ts';
import { bundledTokens, granularities } from '../../src/catalog/index.ts';
import { wantedWindows } from '../../src/planning/plan.ts';
import { fetchQueue, planQueue } from '../../src/queue/jobs.ts';
import { migrateQueue } from '../../src/queue/schema.ts';
import { writeRejects } from '../../src/store/answers/quarantine.ts';
import { readGaps } from '../../src/store/ledger/coverage.ts';
import { startTestSimulator } from '../support/api.ts';
import { hour, ManualClock, minute } from '../support/clock.ts';
import { createTestDatabase, value } from '../support/database.ts';
import { createLogin } from '../support/logins.ts';
import { describeOnBackends, openTestQueue, runPipeline, testSettings } from '../support/pipeline.ts';

const tokens = bundledTokens.slice(0, 5).map(({ token }) => token);
const settings = testSettings({ TOKENS: tokens.join(), HISTORY_START: '2025-06-16' });
const refused = 'CO-A-02-05';
const patience = { timeout: 60_000 };

describeOnBackends('a login that is only a worker', (queue, server) => {
  it('runs the whole pipeline: every kind of thing that is written, changed and deleted', async () => {
    const database = await createTestDatabase(server);
    if (queue === 'PostgreSQL') await migrateQueue(database);
    // Whatever everybody may do on most servers is not what it lives on.
    const name = new URL(database.url).pathname.slice(1);
    await database.pool.query(`
      revoke all on database ${name} from public;
      grant connect on database ${name} to cryptoracle_worker`);
    const login = await createLogin(database, 'cryptoracle_worker');
    const clock = new ManualClock('2025-06-17T02:20:00Z');
    const simulator = await startTestSimulator({
      clock,
      seed: 3,
      market: { lateShare: 0.2, changedShare: 0.2 },
    });
    const count = (table: string, where = 'true') =>
      value<number>(database, `select count(*)::int from cryptoracle.${table} where ${where}`);
    const start = async () =>
      runPipeline({
        database: login,
        simulator,
        clock,
        settings,
        backend: await openTestQueue(queue, login),
      });

    // A metric that is refused is remembered.
    simulator.refuseMetric(refused);
    const first = await start();
    await first.idle();
    await first.stop();
    const unknown = {
      reason: 'unknown tag',
      part: 'tag',
      token: 'BTC',
      time: undefined,
      metric: 'X',
    } as const;
    await login.transaction((tx) =>
      writeRejects(login, '1d', [{ ...unknown, raw: {} }], clock.now(), undefined, tx),
    );
    expect(await count('quarantine')).toBe(1);
    expect(await count('entitlements')).toBe(1);
    expect(await count('token_tags')).toBe(tokens.length * 6);
    expect(await count('requests', "what = 'tokens'")).toBe(1);

    // Two days later: values have changed and come late, the refusal is over, and access is denied for a while.
    simulator.allowMetric(refused);
    simulator.refuseEndpoint('endpoint');
    clock.advance(48 * hour);
    const second = await start();
    const fetches = second.backend.queue(fetchQueue);
    const plans = second.backend.queue(planQueue);
    await expect.poll(() => count('breaker'), patience).toBe(1);
    // A call that is still under way would be refused after the clock has moved, and the clock stands still then.
    await expect.poll(() => fetches.getJobCounts('active'), patience).toEqual({ active: 0 });
    simulator.allowEndpoint('endpoint');
    clock.advance(minute);
    await second.idle();
    await plans.add('recheck', { task: 'recheck' });
    await second.idle();
    await Promise.all([fetches.close(), plans.close()]);
    await second.stop();
    expect(await count('breaker')).toBe(0);
    expect(await count('entitlements')).toBe(0);
    expect(await count('revisions')).toBeGreaterThan(0);

    const range = { start: settings.historyStart, end: clock.now() };
    const wanted = wantedWindows(range, granularities, clock.now(), settings.settleDelay, '08:00');
    for (const [granularity, interval] of wanted) {
      const cells = { granularity, tokens, metrics: settings.metrics, interval };
      expect(await readGaps(database, cells)).toEqual([]);
      expect(await count(`metrics_${granularity}`)).toBeGreaterThan(0);
    }
    const { withValue } = await compareWithTruth(database, simulator.market, tokens, wanted, clock.now());
    expect(withValue).toBeGreaterThan(12_000);
  });
});
