import type { Database } from '../../src/store/connection/database.ts';
import { type Figure, median } from '../figure.ts';
import { load } from '../load.ts';
import { questions } from '../questions.ts';
import type { Bench } from '../world.ts';

/** What `gaps`, and the page's map of coverage, read. */
const overviews = ['gaps', 'coverage_daily'];

/** Milliseconds of a statement, with the way to us and back. */
async function timeOf(database: Database, statement: string, rounds: number): Promise<number> {
  await database.pool.query(statement);
  const times: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const started = performance.now();
    await database.pool.query(statement);
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
      const value = await timeOf(database, sql, rounds);
      figures.push({ name, value, unit: 'ms', goal: { atMost: 50 }, detail });
    }
    for (const view of overviews) {
      const value = await timeOf(database, `select * from cryptoracle.${view}`, rounds);
      figures.push({ name: `view ${view}, whole`, value, unit: 'ms', goal: { atMost: 200 }, detail });
    }
    return figures;
  },
};
