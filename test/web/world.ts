import { OrderRunner } from '../../src/backfill/runner.ts';
import { beijingDay, formatBeijingDate } from '../../src/beijing.ts';
import { systemClock } from '../../src/clock.ts';
import { Runtime } from '../../src/commands/runtime.ts';
import { queueNames } from '../../src/queue/jobs.ts';
import { StatusServer } from '../../src/server/server.ts';
import { openSources } from '../../src/server/sources.ts';
import type { Simulator } from '../../src/simulator/index.ts';
import type { Database } from '../../src/store/connection/database.ts';
import { storeDesiredScope } from '../../src/store/ledger/desired-scope.ts';
import { createIngestor, startTestSimulator } from '../support/api.ts';
import { day } from '../support/clock.ts';
import { createTestDatabase, silent } from '../support/database.ts';
import { openTestQueue, type RunningPipeline, runPipeline, testSettings } from '../support/pipeline.ts';

/** What `start` and the demo run, in this process: a pipeline of two tokens, filled and live, and its page. */
export interface World {
  readonly url: string;
  readonly writeToken: string;
  readonly database: Database;
  readonly simulator: Simulator;
  readonly pipeline: RunningPipeline;
  stop(): Promise<void>;
}

const writeToken = 'may-write-here';

export async function startWorld(): Promise<World> {
  const clock = systemClock;
  const [database, simulator] = await Promise.all([
    createTestDatabase('plain PostgreSQL'),
    startTestSimulator({}),
  ]);
  const settings = testSettings({
    DATABASE_URL: database.url,
    HTTP_PORT: '0',
    HTTP_TOKEN: 'may-read-here',
    HTTP_WRITE_TOKEN: writeToken,
    TOKENS: 'BTC,ETH',
    HISTORY_START: formatBeijingDate(beijingDay(clock.now()) - 3 * day),
    FETCH_CONCURRENCY: '1',
  });
  await storeDesiredScope(database, settings);
  const backend = await openTestQueue('PostgreSQL', database);
  const pipeline = await runPipeline({ database, simulator, clock, settings, backend });
  await pipeline.idle();
  const runtime = new Runtime(settings, { clock, log: silent });
  const orders = new OrderRunner({
    context: runtime.backfill(database),
    ingestor: createIngestor(database, simulator, clock),
    log: silent,
    interval: 200,
  });
  orders.start();
  const queues = Object.fromEntries(queueNames.map((name) => [name, backend.queue(name)]));
  const server = new StatusServer({
    ...openSources(database, queues, settings, clock, { queueProblem: () => undefined, stalls: () => [] }),
    ...{ settings, clock, log: silent },
    site: runtime.site(database),
  });
  const url = await server.start();
  return {
    ...{ url, writeToken, database, simulator, pipeline },
    stop: async () => {
      await server.stop();
      await orders.stop();
      await Promise.all(Object.values(queues).map((queue) => queue.close()));
      await pipeline.stop();
      await simulator.close();
    },
  };
}
