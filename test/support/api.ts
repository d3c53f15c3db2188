import { ApiClient } from '../../src/api/client.ts';
import { dialectOf } from '../../src/api/dialects/index.ts';
import type { Clock } from '../../src/clock.ts';
import { Ingestor } from '../../src/ingest/ingestor.ts';
import type { IngestorOptions } from '../../src/ingest/options.ts';
import { type Simulator, type SimulatorOptions, startSimulator } from '../../src/simulator/index.ts';
import type { Database } from '../../src/store/connection/database.ts';
import { RateLimiter } from '../../src/store/limits/rate-limiter.ts';
import { silent } from './database.ts';
import { onFileEnd } from './releasers.ts';

/**
 * A simulated API that ends with the test file. No row comes hours late unless a test says so: such a row is missing in
 * some hours of some days only, and whoever counts rows would find it there.
 */
export async function startTestSimulator(options: SimulatorOptions): Promise<Simulator> {
  const simulator = await startSimulator({ ...options, market: { lateShare: 0, ...options.market } });
  onFileEnd(() => simulator.close());
  return simulator;
}

/** An ingestor that asks the simulator, or another stand-in, and does not wait long. */
export function createIngestor(
  database: Database,
  api: Pick<Simulator, 'url' | 'credentials'>,
  clock: Clock,
  overrides: Partial<IngestorOptions> = {},
): Ingestor {
  return new Ingestor({
    client: new ApiClient({
      baseUrl: api.url,
      dialect: dialectOf('v1'),
      credentials: api.credentials,
      clock,
      retry: { attempts: 4, firstDelay: 1, longestDelay: 5 },
      timeout: 5000,
    }),
    database,
    rateLimiter: new RateLimiter(database, 10_000),
    clock,
    log: silent,
    settleDelay: 15 * 60_000,
    lookbackWindows: 4,
    ...overrides,
  });
}
