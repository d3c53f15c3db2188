import { setTimeout as sleep } from 'node:timers/promises';
import type { Database } from '../../src/store/connection/database.ts';
import type { Milliseconds } from '../../src/time.ts';
import { median, thousands } from '../figure.ts';
import { startPipeline } from '../pipeline.ts';
import type { Bench, World } from '../world.ts';

const apiTime: Milliseconds = 300;
const quarter: Milliseconds = 900_000;
const goal = { atMost: 150 } as const;
const name = 'from due to stored, less the time of the API';

/** Until the process has started, and fills the history, by its own clock. */
const lead: Milliseconds = 12_000;

/** When the last row of a window was stored, by the clock of the process that did. */
async function storedAt(database: Database, window: number, tokens: number): Promise<number | undefined> {
  const { rows } = await database.pool.query<{ count: number; at: number }>(
    `select count(*)::int as count, extract(epoch from max(first_seen_at))::float8 * 1000 as at
     from cryptoracle.metrics_15m where time = $1`,
    [new Date(window)],
  );
  return rows[0]?.count === tokens ? rows[0].at : undefined;
}

async function measureWindow(world: World, redisUrl: string) {
  const recorder = await world.recorder();
  const database = await world.database();
  await recorder.control({ reset: true, delay: apiTime });
  const settings = { REDIS_URL: redisUrl, REQUESTS_PER_SECOND: '20', HISTORY_START: '2026-01-01' };
  const due = Math.floor(Date.now() / quarter) * quarter;
  // The clock of the process is set to just before the quarter that was last, whose windows the API has by now.
  const pipeline = await startPipeline(world, recorder, database, settings, [], due - lead - Date.now());
  try {
    await pipeline.ready();
    const window = due - 2 * quarter;
    const gaveUp = Date.now() + 60_000;
    while (Date.now() < gaveUp) {
      const at = await storedAt(database, window, world.size.tokens);
      if (at !== undefined) return { late: at - due - apiTime, calls: (await recorder.control()).served };
      await sleep(100);
    }
    throw new Error('the window was not stored within a minute');
  } finally {
    await pipeline.stop();
    await recorder.control({ delay: 0 });
  }
}

export const fresh: Bench = {
  name: 'fresh',
  about: 'a quarter of an hour that becomes due while the full history fills beside it',
  needsDatabase: true,
  async run(world) {
    const redisUrl = await world.redis();
    // The queue in PostgreSQL goes by the server's clock, which cannot be set.
    if (redisUrl === undefined) return [{ name, unit: 'ms', goal, absent: 'redis-server is not installed' }];
    const rounds: Awaited<ReturnType<typeof measureWindow>>[] = [];
    for (let round = 0; round < world.size.windows; round++)
      rounds.push(await measureWindow(world, redisUrl));
    const late = rounds.map(({ late }) => late);
    const calls = median(rounds.map(({ calls }) => calls));
    return [
      {
        ...{ name, value: median(late), unit: 'ms', goal },
        detail: `${world.size.tokens} tokens, ${calls} calls beside it; ${late.map(thousands).join(', ')} ms`,
      },
    ];
  },
};
