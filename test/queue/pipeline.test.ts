import { afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { compareWithTruth } from '../../harness/truth.ts';
import { bundledTokens, type Granularity, granularities } from '../../src/catalog/index.ts';
import type { Interval } from '../../src/planning/interval.ts';
import { wantedWindows } from '../../src/planning/plan.ts';
import { fetchQueue, planQueue } from '../../src/queue/jobs.ts';
import type { Simulator } from '../../src/simulator/index.ts';
import type { Database } from '../../src/store/connection/database.ts';
import { readGaps } from '../../src/store/ledger/coverage.ts';
import { startTestSimulator } from '../support/api.ts';
import { v1Metrics } from '../support/catalogue.ts';
import { day, hour, ManualClock, minute } from '../support/clock.ts';
import { createTestDatabase, rows, value } from '../support/database.ts';
import {
  describeOnBackends,
  openTestQueue,
  quickerQueue,
  type RunningPipeline,
  runPipeline,
  testSettings,
} from '../support/pipeline.ts';

const tokens = bundledTokens.slice(0, 5).map(({ token }) => token);
const settings = testSettings({
  TOKENS: tokens.join(),
  HISTORY_START: '2025-06-14',
  FETCH_CONCURRENCY: '4',
});

describeOnBackends('the pipeline', (queue, server) => {
  let database: Database;
  let simulator: Simulator;
  let clock: ManualClock;
  let pipelines: RunningPipeline[] = [];

  beforeAll(async () => {
    database = await createTestDatabase(server);
  });

  beforeEach(async () => {
    clock = new ManualClock('2025-06-17T02:20:00Z');
    // Late and changed values have tests of their own; here the truth must stand still.
    simulator = await startTestSimulator({ clock, seed: 5, market: { changedShare: 0 } });
    await database.pool.query(
      `truncate ${granularities.map((each) => `cryptoracle.metrics_${each}`).join()}, cryptoracle.coverage,
         cryptoracle.revisions, cryptoracle.requests, cryptoracle.token_tags, cryptoracle.breaker`,
    );
  });

  afterEach(async () => {
    await Promise.all(pipelines.map((pipeline) => pipeline.stop()));
    pipelines = [];
  });

  async function run(overrides: Partial<Parameters<typeof runPipeline>[0]> = {}): Promise<RunningPipeline> {
    const backend = overrides.backend ?? (await openTestQueue(queue, database));
    const pipeline = await runPipeline({ database, simulator, clock, settings, backend, ...overrides });
    pipelines.push(pipeline);
    return pipeline;
  }

  async function stop(pipeline: RunningPipeline): Promise<void> {
    pipelines = pipelines.filter((each) => each !== pipeline);
    await pipeline.stop();
  }

  function wanted(): ReadonlyMap<Granularity, Interval> {
    return wantedWindows(
      { start: settings.historyStart, end: clock.now() },
      granularities,
      clock.now(),
      settings.settleDelay,
      '08:00',
    );
  }

  async function expectComplete(): Promise<void> {
    for (const [granularity, interval] of wanted()) {
      expect(await readGaps(database, { granularity, tokens, metrics: settings.metrics, interval })).toEqual(
        [],
      );
    }
    const comparison = await compareWithTruth(database, simulator.market, tokens, wanted(), clock.now());
    expect(comparison.differences.slice(0, 3)).toEqual([]);
    expect(comparison.withValue).toBeGreaterThan(12_000);
  }

  it('fills everything from the start of the history, values and tags, and ends up equal to the truth', async () => {
    const pipeline = await run();
    await pipeline.idle();
    await expectComplete();
    const lanes = await rows<{ lane: string }>(
      database,
      'select distinct lane from cryptoracle.requests order by 1',
    );
    expect(lanes.map(({ lane }) => lane)).toEqual(expect.arrayContaining(['live', 'repair']));
    expect(await value(database, 'select count(*)::int from cryptoracle.token_tags')).toBe(tokens.length * 6);
    expect(
      await value(database, "select count(*)::int from cryptoracle.requests where what = 'tokens'"),
    ).toBe(1);
    expect(await value(database, 'select count(*)::int from cryptoracle.revisions')).toBe(0);
  });

  if (queue === quickerQueue()) {
    it('asks only for the look-back when it starts again, and writes no row', async () => {
      const first = await run();
      await first.idle();
      await stop(first);
      const changes = () =>
        Promise.all(
          granularities.map((each) =>
            value(database, `select max(updated_at) from cryptoracle.metrics_${each}`),
          ),
        );
      const before = await changes();
      clock.advance(minute);
      simulator.clearLog();
      const second = await run();
      await second.idle();
      const asked = simulator.log.filter(({ call }) => call === 'endpoint');
      expect(asked.length).toBeGreaterThan(0);
      expect(asked.length).toBeLessThanOrEqual(granularities.length);
      const lengths = { '15m': 15 * minute, '1h': hour, '4h': 4 * hour, '1d': day };
      for (const { business } of asked) {
        const granularity = business?.timeType as Granularity;
        const due = wanted().get(granularity)?.end ?? 0;
        const from = Date.parse(`${String(business?.startTime).replace(' ', 'T')}+08:00`);
        expect(from).toBeGreaterThanOrEqual(due - settings.lookbackWindows * lengths[granularity]);
      }
      expect(await changes()).toEqual(before);
    });

    it('leaves no gap after hours of standstill', async () => {
      const first = await run();
      await first.idle();
      await stop(first);
      clock.advance(9 * hour + 25 * minute);
      const second = await run();
      await second.idle();
      await expectComplete();
      const late = await value<number>(
        database,
        'select count(distinct time)::int from cryptoracle.metrics_15m where time >= $1',
        ['2025-06-17T02:00:00Z'],
      );
      expect(late).toBe(38);
    });

    it('heals what a failing API left open', async () => {
      const half = { probability: 0.35 };
      simulator.setFaults({
        error500: half,
        cutConnection: { probability: 0.2 },
        garbage: { probability: 0.1 },
      });
      const first = await run();
      await first.idle();
      await stop(first);
      simulator.setFaults({});
      const second = await run();
      await second.idle();
      await expectComplete();
    });
  }

  it('loses nothing when its queue is emptied in the middle', async () => {
    simulator.setFaults({ slow: { probability: 1, milliseconds: 30 } });
    const first = await run();
    await new Promise((resolve) => setTimeout(resolve, 150));
    for (const name of [fetchQueue, planQueue]) {
      const jobs = first.backend.queue(name);
      for (const job of await jobs.getJobs(['waiting', 'prioritized'])) await job?.remove().catch(() => {});
      await jobs.close();
    }
    await first.idle();
    simulator.setFaults({});
    await stop(first);
    const second = await run();
    await second.idle();
    await expectComplete();
  });

  it('asks for nothing twice though two schedulers plan and two workers fetch', async () => {
    const prefix = `shared-${queue}-${server}-${Date.now()}`.replaceAll(' ', '');
    const backends = await Promise.all([1, 2].map(() => openTestQueue(queue, database, prefix)));
    const running = await Promise.all(backends.map((backend) => run({ backend })));
    for (const pipeline of running) await pipeline.idle();
    await expectComplete();
    const asked = simulator.log.filter(({ call, code }) => call === 'endpoint' && code === 200);
    const records = asked.reduce((sum, each) => sum + each.records, 0);
    const due = [...wanted()].reduce((sum, [granularity, { start, end }]) => {
      const length = { '15m': 15 * minute, '1h': hour, '4h': 4 * hour, '1d': day }[granularity];
      return sum + ((end - start) / length + 2 * settings.lookbackWindows) * tokens.length * v1Metrics.length;
    }, 0);
    // Every window once, the look-back of both starts, and the tags.
    expect(records).toBeLessThanOrEqual(due + 2 * tokens.length * 7);
  });

  it('keeps everything waiting while access is refused, and goes on when it is back', async () => {
    simulator.refuseEndpoint('endpoint');
    const pipeline = await run();
    const fetches = pipeline.backend.queue(fetchQueue);
    const waiting = async () => {
      const counts = await fetches.getJobCounts('waiting', 'prioritized');
      return Object.values(counts).reduce((sum, count) => sum + count, 0);
    };
    await expect.poll(waiting, { timeout: 60_000 }).toBeGreaterThan(5);
    // What was under way in both queues when the first refusal came.
    expect(simulator.counters.byCode[204]).toBeLessThanOrEqual(2 * settings.fetchConcurrency);
    await new Promise((resolve) => setTimeout(resolve, 600));
    expect(await waiting()).toBeGreaterThan(5);
    await fetches.close();
    simulator.allowEndpoint('endpoint');
    clock.advance(minute);
    await pipeline.idle();
    await expectComplete();
  });

  it('puts the newest windows before all history', async () => {
    const slow = testSettings({ TOKENS: tokens.join(), HISTORY_START: '2025-06-09', FETCH_CONCURRENCY: '1' });
    const planner = await run({ settings: slow, roles: ['scheduler'] });
    for (;;) {
      const plans = planner.backend.queue(planQueue);
      const {
        active = 0,
        waiting = 0,
        prioritized = 0,
      } = await plans.getJobCounts(...(['active', 'waiting', 'prioritized'] as const));
      await plans.close();
      if (active + waiting + prioritized === 0) break;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    simulator.clearLog();
    const prefixed = await run({ settings: slow, backend: planner.backend, roles: ['worker'] });
    await prefixed.idle();
    const lanes = await rows<{ lane: string }>(
      database,
      "select lane from cryptoracle.requests where what = 'values' order by id",
    );
    const order = ['live', 'repair', 'lookback', 'history'];
    const ranks = lanes.map(({ lane }) => order.indexOf(lane));
    // Live jobs have a worker of their own: beside each of the four, the other one does one call or two of the rest. On a busy
    // machine the two do not begin at the same moment.
    expect(ranks.filter((rank) => rank === 0)).toHaveLength(4);
    expect(ranks.lastIndexOf(0) - ranks.indexOf(0)).toBeLessThan(12);
    const rest = ranks.filter((rank) => rank !== 0);
    // For each call there are two jobs, one of which may be quicker to read what it lacks: it overtakes one other at most.
    const overtaken = rest.map((rank, place) => rest.slice(place).filter((later) => later < rank).length);
    expect(Math.max(...overtaken)).toBeLessThanOrEqual(1);
    expect(new Set(ranks).size).toBe(3);
  });
});
