import { formatBeijingDate } from '../../src/beijing.ts';
import { Database } from '../../src/store/connection/database.ts';
import { RateLimiter } from '../../src/store/limits/rate-limiter.ts';
import type { Milliseconds } from '../../src/time.ts';
import type { Figure } from '../figure.ts';
import { startPipeline, untilQuiet } from '../pipeline.ts';
import type { Recorder } from '../recorder/index.ts';
import type { Bench, World } from '../world.ts';

const apiTime = 300;
const inFlight = 16;

/** Calls a second of the pipeline against the most that so many calls at a time can be. */
async function bound(world: World): Promise<Figure> {
  const recorder = await world.recorder();
  if (world.size.isRecorded) await fill(world, recorder, 0);
  await fill(world, recorder, apiTime);
  const { served, firstAt, lastAt } = await recorder.control();
  // The last call came in when one place was free; it is answered later.
  const seconds = (lastAt - firstAt + apiTime) / 1000;
  return {
    ...{ name: 'calls ÷ (16 ÷ 0.3 s)', value: served / seconds / (inFlight / (apiTime / 1000)), unit: '×' },
    ...{ goal: { atLeast: 0.95 }, detail: `${served} calls in ${seconds.toFixed(1)} s` },
  };
}

/** @param delay how long each answer takes */
async function fill(world: World, recorder: Recorder, delay: Milliseconds): Promise<void> {
  await recorder.control({ reset: true, delay });
  const settings = {
    FETCH_CONCURRENCY: String(inFlight),
    HISTORY_START: formatBeijingDate(Date.now() - world.size.daysAtLatency * 86_400_000),
  };
  const pipeline = await startPipeline(world, recorder, await world.database(), settings);
  try {
    await pipeline.ready();
    await untilQuiet(recorder);
  } finally {
    await pipeline.stop();
    await recorder.control({ delay: 0 });
  }
}

/** Turns that several callers with connections of their own get against the limit that they share. */
async function shared(world: World, callers: number): Promise<Figure> {
  const perSecond = 100;
  const { url } = await world.database();
  const databases = Array.from({ length: callers }, () => new Database(url, { connections: 8 }));
  const ends = performance.now() + world.size.watched / 5;
  const turns: number[] = [];
  const call = async (limiter: RateLimiter) => {
    while (performance.now() < ends) {
      await limiter.acquire('history');
      turns.push(performance.now());
    }
  };
  const limiters = databases.map((database) => new RateLimiter(database, perSecond));
  await Promise.all(limiters.flatMap((limiter) => [1, 2, 3, 4].map(() => call(limiter))));
  await Promise.all(databases.map((database) => database.close()));
  const seconds = (Math.max(...turns) - Math.min(...turns)) / 1000;
  return {
    ...{
      name: `turns of ${callers} callers ÷ limit`,
      value: (turns.length - 1) / seconds / perSecond,
      unit: '×',
    },
    ...{
      goal: { atMost: 1.01 },
      detail: `${turns.length} turns in ${seconds.toFixed(1)} s, limit ${perSecond} /s`,
    },
  };
}

export const latency: Bench = {
  name: 'latency-bound',
  about: 'an API that takes 300 ms, with 16 calls under way; and one limit for several callers',
  needsDatabase: true,
  async run(world) {
    const figures = [await bound(world)];
    for (const callers of [1, 2, 4]) figures.push(await shared(world, callers));
    return figures;
  },
};
