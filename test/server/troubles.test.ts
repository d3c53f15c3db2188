import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import type { Browser, Locator } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { Relay } from '../../harness/relay.ts';
import { RedisServer } from '../../harness/servers.ts';
import { beijingDay, formatBeijingDate } from '../../src/beijing.ts';
import { systemClock } from '../../src/clock.ts';
import { Runtime } from '../../src/commands/runtime.ts';
import { openQueueBackend, type QueueBackend } from '../../src/queue/backend.ts';
import { queueNames } from '../../src/queue/jobs.ts';
import { StatusServer } from '../../src/server/server.ts';
import { openSources } from '../../src/server/sources.ts';
import type { Simulator } from '../../src/simulator/index.ts';
import { Database } from '../../src/store/connection/database.ts';
import { storeDesiredScope } from '../../src/store/ledger/desired-scope.ts';
import { createFolder, type Environment, runCli, settingsFor, startCli } from '../commands/cli.ts';
import { startTestSimulator } from '../support/api.ts';
import { day } from '../support/clock.ts';
import { createTestDatabase, silent } from '../support/database.ts';
import { type RunningPipeline, runPipeline, testSettings } from '../support/pipeline.ts';
import { hasBrowser, openBrowser } from '../web/browser.ts';
import { bodyOf } from './site.ts';

/**
 * Each part of a running pipeline broken in turn and healed again: the page, which is open in a browser all the while (where
 * there is one), its API, `status` and `doctor` name it, with the same remedy.
 */

interface Trouble {
  readonly kind: string;
  readonly headline: string;
  readonly detail: string;
  readonly remedy: string;
}

interface Finding {
  readonly check: string;
  readonly state: string;
  readonly message: string;
  readonly remedy: string | null;
}

const chosen = {
  ...{ TOKENS: 'BTC', GRANULARITIES: '1d', METRICS: 'mention_count' },
  HISTORY_START: formatBeijingDate(beijingDay(Date.now()) - 4 * day),
};

describe.skipIf(inject('redisUrl') === null)('what is broken', { timeout: 180_000 }, () => {
  const folder = createFolder();
  const clockFile = join(folder, 'clock');
  let redis: RedisServer;
  let simulator: Simulator;
  let way: Relay;
  let backend: QueueBackend;
  let pipeline: RunningPipeline;
  let server: StatusServer;
  let url: string;
  let environment: Environment;
  let browser: Browser | undefined;
  /** What the page in the browser says at its top. */
  let verdict: Locator | undefined;
  /** How far the clocks of page and commands are ahead. */
  let skew = 0;

  beforeAll(async () => {
    const [direct, started] = await Promise.all([
      createTestDatabase('plain PostgreSQL'),
      RedisServer.start(),
    ]);
    redis = started;
    simulator = await startTestSimulator({});
    way = await Relay.open(direct.url, 5432);
    const addresses = { DATABASE_URL: way.url, REDIS_URL: redis.url };
    environment = { ...settingsFor(simulator, way.url), ...addresses, ...chosen };
    const settings = testSettings({ ...addresses, ...chosen, HTTP_PORT: '0' });
    await storeDesiredScope(direct, settings);
    backend = await openQueueBackend({
      redisUrl: redis.url,
      ...{ database: direct, log: silent, clock: systemClock },
    });
    pipeline = await runPipeline({
      database: direct,
      ...{ simulator, clock: systemClock, settings, backend },
    });
    await pipeline.idle();
    const clock = { now: () => Date.now() + skew };
    const database = new Database(way.url, { connections: 4 });
    const queues = Object.fromEntries(queueNames.map((name) => [name, backend.queue(name)]));
    const watched = { queueProblem: backend.problem, stalls: () => [] };
    server = new StatusServer({
      ...openSources(database, queues, settings, clock, watched),
      ...{ settings, clock, log: silent },
      site: new Runtime(settings, { clock, log: silent }).site(database),
    });
    url = await server.start();
    if (!hasBrowser) return;
    browser = await openBrowser();
    const tab = await browser.newPage();
    tab.setDefaultTimeout(60_000);
    await tab.goto(url);
    verdict = tab.locator('.verdict');
  });
  afterAll(async () => {
    await browser?.close();
    await server.stop();
    await pipeline.stop();
    await redis.stop();
    await way.close();
  });

  const page = async () => {
    const answer = await fetch(`${url}/api/v1/status`);
    return { status: answer.status, body: await bodyOf(answer) };
  };

  /** What the page says as soon as its troubles are these. */
  async function pageThatNames(...kinds: string[]) {
    for (;;) {
      const { status, body } = await page();
      const found = status === 200 ? body.troubles.map(({ kind }: Trouble) => kind) : [status];
      if (JSON.stringify(found) === JSON.stringify(kinds)) return body;
      await sleep(100);
    }
  }

  /** Waits until the page in the browser, which has not been loaded again, is of this mind and says all these texts. */
  async function expectShown(mind: 'bad' | 'well', ...texts: readonly string[]): Promise<void> {
    if (verdict === undefined) return;
    // It looks every few seconds, and at once when somebody comes back to it.
    await verdict.page().evaluate("document.dispatchEvent(new Event('visibilitychange'))");
    const isOfThisMind = verdict.and(verdict.page().locator(`.${mind}`));
    await isOfThisMind.waitFor();
    for (const text of texts) await isOfThisMind.getByText(text).first().waitFor();
  }

  async function expectHealed(): Promise<void> {
    expect((await pageThatNames()).verdict.level).toBe('well');
    await expectShown('well');
  }

  /** Runs a command; where the clock is wrong, as a process of its own that has that clock. */
  function run(...args: string[]) {
    if (skew === 0) return runCli(folder, args, environment);
    writeFileSync(clockFile, String(skew));
    const options = `--import=${pathToFileURL(inject('skewedClock')).href}`;
    return startCli(folder, args, { ...environment, NODE_OPTIONS: options, CHAOS_CLOCK_FILE: clockFile })
      .ended;
  }

  async function doctorOn(check: string): Promise<Finding | undefined> {
    const { stdout } = await run('doctor', '--json');
    return (JSON.parse(stdout) as Finding[]).find((each) => each.check === check);
  }

  /** Expects the trouble on the page, in `status` as text and as JSON, and from `doctor`. */
  async function expectNamed(kind: string, check: string, remedy: RegExp): Promise<void> {
    const shown = await pageThatNames(kind);
    const [trouble] = shown.troubles as Trouble[];
    expect(trouble?.remedy).toMatch(remedy);
    expect(shown.verdict).toMatchObject({
      level: 'bad',
      remedy: expect.stringMatching(new RegExp(remedy, 'i')),
    });
    await expectShown('bad', `${trouble?.headline}: ${trouble?.detail}`, trouble?.remedy ?? 'a remedy');
    const [asJson, asText, found] = await Promise.all([
      run('status', '--json'),
      run('status'),
      doctorOn(check),
    ]);
    const told = JSON.parse(asJson.stdout) as { troubles: readonly Trouble[] };
    expect(told.troubles.map((each) => [each.kind, each.remedy])).toEqual([[kind, trouble?.remedy]]);
    const [first, ...rest] = asText.stdout.split('\n');
    expect(first).toMatch(new RegExp(`^${trouble?.headline.toUpperCase()}[: ]`));
    expect(rest.join(' ').replaceAll(/\s+/g, ' ')).toContain(trouble?.remedy);
    expect(found).toMatchObject({ state: 'failed', remedy: expect.stringMatching(remedy) });
  }

  it('is nothing at first', async () => {
    await expectHealed();
    expect((await run('status')).stdout).toMatch(/^all is well/);
    expect((await run('doctor')).code).toBe(0);
  });

  it.each([401, 403] as const)('is access, where the API answers with %s', async (status) => {
    simulator.setFaults({ forbidden: { probability: 1, status } });
    await pipeline.planner.planNewest('1d', true);
    await expectNamed('access', 'API', /whitelist/);
    simulator.setFaults({});
    await pipeline.planner.planNewest('1d', true);
    await expectHealed();
  });

  it('is the API, where it answers no call', async () => {
    simulator.setFaults({ cutConnection: { probability: 1, at: 'before' } });
    for (let plan = 0; plan < 2; plan++) {
      await pipeline.planner.planNewest('1d', true);
      await pipeline.idle();
    }
    await expectNamed('api', 'API', /CRYPTORACLE_BASE_URL and the network/);
    simulator.setFaults({});
    await pipeline.planner.planNewest('1d', true);
    await expectHealed();
  });

  it('is the clock, where it is two minutes fast', async () => {
    skew = 120_000;
    await expectNamed('clock', 'clock', /NTP/);
    skew = 0;
    await expectHealed();
  });

  it('is the clock, where the API’s is two minutes fast, and comes after a refusal, which is worse', async () => {
    simulator.configure({ clockOffset: 120_000 });
    await pipeline.planner.planNewest('1d', true);
    await expectNamed('clock', 'clock', /NTP/);
    simulator.setFaults({ forbidden: { probability: 1, status: 401 } });
    await pipeline.planner.planNewest('1d', true);
    const { troubles } = await pageThatNames('access', 'clock');
    await expectShown('bad', ...troubles.flatMap(({ headline, remedy }: Trouble) => [headline, remedy]));
    simulator.setFaults({});
    simulator.configure({ clockOffset: 0 });
    await pipeline.planner.planNewest('1d', true);
    await expectHealed();
  });

  it('is the queue, where its Redis is away', async () => {
    await redis.kill();
    await expectNamed('queue', 'queue', /start Redis/);
    await redis.restart(0);
    await expectHealed();
  });

  it('is the database, where nothing answers at its address', async () => {
    way.cut();
    const remedy = /start PostgreSQL, or correct DATABASE_URL/;
    // What was read a moment ago may be given once more.
    let answer = await page();
    while (answer.status === 200) answer = await page();
    expect(answer).toEqual({
      status: 503,
      body: { error: 'the database does not answer', remedy: expect.stringMatching(remedy) },
    });
    await expectShown('bad', answer.body.error, answer.body.remedy);
    const { code, stderr } = await run('status');
    expect([code, stderr]).toEqual([
      75,
      expect.stringMatching(/DATABASE_URL: no PostgreSQL answers .* start it/),
    ]);
    expect(await doctorOn('database')).toMatchObject({
      state: 'failed',
      remedy: expect.stringMatching(remedy),
    });
    way.recover();
    await expectHealed();
  });
});
