import { freePort } from '../../harness/servers.ts';
import { beijingDay, formatBeijingDate } from '../../src/beijing.ts';
import type { Database } from '../../src/store/connection/database.ts';
import type { Instant, Milliseconds } from '../../src/time.ts';
import { type Figure, median } from '../figure.ts';
import { load } from '../load.ts';
import { startPipeline } from '../pipeline.ts';
import { questions } from '../questions.ts';
import type { Bench, World } from '../world.ts';

/** Views that are asked for as a whole. */
const overviews = ['gaps', 'coverage_daily'];

const day: Milliseconds = 86_400_000;

/** What a visitor of the page waits for, with 90 days on the map of coverage as it is opened. */
function asked(now: Instant) {
  const at = (days: number) => new Date(beijingDay(now) + days * day).toISOString();
  return {
    'page, its first view': '/',
    'page, status': '/api/v1/status',
    'page, map of coverage of 15m': `/api/v1/coverage?granularity=15m&by=day&from=${at(-90)}&to=${at(1)}`,
  };
}

/** Milliseconds of each answer of the program's own server. */
async function timesOfPage(world: World, database: Database): Promise<ReadonlyMap<string, number>> {
  const port = await freePort();
  const settings = {
    HTTP_PORT: String(port),
    HISTORY_START: formatBeijingDate(Date.now() - world.size.loadedDays * day),
  };
  const server = await startPipeline(world, await world.recorder(), database, settings, ['--role', 'server']);
  try {
    await server.ready();
    const times = new Map<string, number>();
    for (const [name, path] of Object.entries(asked(Date.now()))) {
      const ask = async () => {
        const response = await fetch(`http://127.0.0.1:${port}${path}`);
        if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
        await response.arrayBuffer();
      };
      times.set(name, await timeOf(ask, world.size.rounds));
    }
    return times;
  } finally {
    await server.stop();
  }
}

/** Milliseconds of a question, with the way to us and back. */
async function timeOf(ask: () => Promise<unknown>, rounds: number): Promise<number> {
  await ask();
  const times: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const started = performance.now();
    await ask();
    times.push(performance.now() - started);
  }
  return median(times);
}

export const reading: Bench = {
  name: 'reading',
  about: "the analysts' questions, on values that are compressed as the policies would where TimescaleDB is",
  needsDatabase: true,
  async run(world) {
    const database = await world.database();
    const { loadedDays, rounds } = world.size;
    const { values } = await load(database, { days: loadedDays, tokens: world.tokens });
    const detail = `${loadedDays} days, ${values.toLocaleString('en-US')} values`;
    const figures: Figure[] = [];
    for (const { name, sql } of questions) {
      const value = await timeOf(() => database.pool.query(sql), rounds);
      figures.push({ name, value, unit: 'ms', goal: { atMost: 50 }, detail });
    }
    for (const view of overviews) {
      const value = await timeOf(() => database.pool.query(`select * from cryptoracle.${view}`), rounds);
      figures.push({ name: `view ${view}, whole`, value, unit: 'ms', goal: { atMost: 200 }, detail });
    }
    for (const [name, value] of await timesOfPage(world, database)) {
      figures.push({ name, value, unit: 'ms', goal: { atMost: 200 }, detail });
    }
    return figures;
  },
};
