import { afterEach, beforeEach, expect, it } from 'vitest';
import { compareWithTruth, rowNotWanted } from '../../harness/truth.ts';
import { bundledTokens, granularities } from '../../src/catalog/index.ts';
import { wantedWindows } from '../../src/planning/plan.ts';
import { planQueue } from '../../src/queue/jobs.ts';
import { tasks } from '../../src/queue/tasks.ts';
import { type Simulator, startSimulator } from '../../src/simulator/index.ts';
import type { Database } from '../../src/store/connection/database.ts';
import { readGaps } from '../../src/store/ledger/coverage.ts';
import { day, hour, ManualClock, minute } from '../support/clock.ts';
import { createTestDatabase, value } from '../support/database.ts';
import {
  describeOnBackends,
  openTestQueue,
  quickerQueue,
  type RunningPipeline,
  runPipeline,
  testSettings,
} from '../support/pipeline.ts';

const tokens = bundledTokens.slice(0, 3).map(({ token }) => token);
// Without a look-back nothing but the ledger decides what is asked for.
const settings = testSettings({ TOKENS: tokens.join(), HISTORY_START: '2025-06-15', LOOKBACK_WINDOWS: '0' });

describeOnBackends('a running pipeline', (queue, server) => {
  let database: Database;
  let simulator: Simulator;
  let clock: ManualClock;
  let pipeline: RunningPipeline | undefined;
  /** The API's own clock, which nobody sets wrong. */
  let apiClock: ManualClock;

  beforeEach(async () => {
    clock = new ManualClock('2025-06-17T02:20:00Z');
    apiClock = new ManualClock('2025-06-17T02:20:00Z');
    simulator = await startSimulator({ clock: apiClock, market: { lateShare: 0, changedShare: 0 } });
    database = await createTestDatabase(server);
  });

  afterEach(async () => {
    await pipeline?.stop();
    await simulator.close();
  });

  async function run(
    overrides: Pick<Parameters<typeof runPipeline>[0], 'watchInterval' | 'outagePause'> = {},
  ): Promise<RunningPipeline> {
    const backend = await openTestQueue(queue, database);
    pipeline = await runPipeline({ database, simulator, clock, settings, backend, ...overrides });
    return pipeline;
  }

  async function tick(running: RunningPipeline): Promise<void> {
    const plans = running.backend.queue(planQueue);
    await plans.add('heal', { task: 'heal' });
    await plans.close();
    await running.idle();
  }

  async function expectComplete(): Promise<void> {
    const range = { start: settings.historyStart, end: clock.now() };
    const wanted = wantedWindows(range, granularities, clock.now(), settings.settleDelay, '08:00');
    for (const [granularity, interval] of wanted) {
      const selection = { granularity, tokens, metrics: settings.metrics, interval };
      expect(await readGaps(database, selection)).toEqual([]);
    }
    const { differences, withValue } = await compareWithTruth(
      database,
      simulator.market,
      tokens,
      wanted,
      apiClock.now(),
    );
    // What was asked for too early may stand until it is due and asked for again.
    const due = differences.filter(
      ({ granularity, metric, time }) =>
        metric !== rowNotWanted || Date.parse(time) < (wanted.get(granularity)?.end ?? 0),
    );
    expect(due.slice(0, 3)).toEqual([]);
    expect(withValue).toBeGreaterThan(5000);
  }

  it('registers its schedules again when the queue has forgotten them, or has them far ahead', async () => {
    const { backend } = await run({ watchInterval: 200 });
    const plans = backend.queue(planQueue);
    const isKept = async () => {
      const schedulers = await plans.getJobSchedulers();
      const soon = schedulers.filter(({ next }) => next !== undefined && next < Date.now() + day + minute);
      return tasks.every(({ name }) => soon.some(({ key }) => key === name));
    };
    expect(await isKept()).toBe(true);
    for (const { name } of tasks) await plans.removeJobScheduler(name);
    await expect.poll(isKept, { timeout: 60_000 }).toBe(true);
    await plans.upsertJobScheduler('15m', { pattern: '0 0 0 1 1 *' }, { name: '15m', data: { task: '15m' } });
    await expect
      .poll(async () => (await plans.getJobSchedulers()).find(({ key }) => key === '15m')?.next, {
        timeout: 60_000,
      })
      .toBeLessThan(Date.now() + hour);
    await plans.close();
  });

  it('stops in the middle of registering its schedules again, and lets go of its connection', async () => {
    const { backend, stop } = await run({ watchInterval: 200 });
    const plans = backend.queue(planQueue);
    let stopping: Promise<void> | undefined;
    await database.exclusively('register schedules', async () => {
      for (const { name } of tasks) await plans.removeJobScheduler(name);
      await plans.close();
      const waits = `select exists (select from pg_locks where locktype = 'advisory' and not granted
        and database = (select oid from pg_database where datname = current_database())) as waits`;
      await expect.poll(() => value(database, waits), { timeout: 60_000 }).toBe(true);
      stopping = stop();
      pipeline = undefined;
      await new Promise((done) => setTimeout(done, 500));
    });
    await stopping;
    const { pool } = database;
    await expect.poll(() => pool.totalCount - pool.idleCount, { timeout: 60_000 }).toBe(0);
  });

  it('plans what is older though a clock that ran ahead had that planned a day later', async () => {
    const backend = await openTestQueue(queue, database);
    const plans = backend.queue(planQueue);
    await plans.add('more-15m', { task: '15m', older: true }, { delay: 26 * hour });
    await plans.close();
    pipeline = await runPipeline({ database, simulator, clock, settings, backend });
    await pipeline.idle();
    await expectComplete();
  });

  if (queue === quickerQueue()) {
    it('takes nothing for answered that was asked for while its clock ran ahead', async () => {
      const running = await run();
      await running.idle();
      clock.advance(26 * hour);
      await tick(running);
      clock.advance(-26 * hour);
      await tick(running);
      await expectComplete();
      for (const each of [clock, apiClock]) each.advance(27 * hour);
      await tick(running);
      await expectComplete();
    });

    it('goes on where it was after its clock was set back, and right again', async () => {
      const running = await run();
      await running.idle();
      clock.advance(-5 * hour);
      await tick(running);
      clock.advance(5 * hour);
      for (const each of [clock, apiClock]) each.advance(hour);
      await tick(running);
      await expectComplete();
      expect(await value(database, 'select count(*)::int from cryptoracle.revisions')).toBe(0);
    });
  }

  it('asks for next to nothing while nothing can be stored, keeps its jobs, and goes on by itself', async () => {
    await database.pool.query(`
      create function refuse() returns trigger language plpgsql as
        $$ begin raise exception 'could not extend file: No space left on device' using errcode = '53100'; end $$;
      create trigger refuse before insert or update on cryptoracle.coverage for each row execute function refuse()`);
    const running = await run({ outagePause: 2000 });
    // A busy machine takes its time until the first call.
    await expect.poll(() => simulator.counters.requests).toBeGreaterThan(0);
    await new Promise((done) => setTimeout(done, 1000));
    // The first round: what each worker of the two queues has at a time, twice as many as its calls.
    expect(simulator.counters.requests).toBeLessThanOrEqual(4 * settings.fetchConcurrency);
    expect(await value(database, 'select count(*)::int from cryptoracle.metrics_1d')).toBe(0);
    await database.pool.query('drop function refuse cascade');
    await running.idle();
    await expectComplete();
  });
});
