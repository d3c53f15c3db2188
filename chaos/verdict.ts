import { setTimeout as sleep } from 'node:timers/promises';
import { compareWithTruth, type Difference, rowNotWanted } from '../harness/truth.ts';
import { asToken, bundledCatalogue, granularities } from '../src/catalog/index.ts';
import { windowCount } from '../src/planning/windows.ts';
import { readGaps } from '../src/store/ledger/coverage.ts';
import { healingTime, tokens, type World } from './world.ts';

/** Compares a world with the API's truth. */

/** Those that v1 has, which the world speaks. */
const metrics = bundledCatalogue.served(bundledCatalogue.codes, 'v1');

/** The cost of a fault. */
export interface Verdict {
  /** Cells that the API has and the database has not. */
  readonly lost: number;
  /** Cells that hold another value than the API's, or that nobody asked for. */
  readonly wrong: number;
  /** Rows that are there twice, and values that were written a second time. */
  readonly repeated: number;
  /** Cells that the ledger still calls missing. */
  readonly gaps: number;
  readonly cells: number;
  /** Processes that ended by themselves, or printed what they must not. */
  readonly complaints: readonly string[];
}

/** Waits until nothing is missing, as long as it makes sense to, and compares every cell with the API's truth. */
export async function judge(world: World): Promise<Verdict> {
  const deadline = performance.now() + healingTime;
  for (let round = 0; (await countMissing(world)) > 0 && performance.now() < deadline; round++) {
    if (round % 7 === 0) await heal(world).catch(() => {});
    await sleep(300);
  }
  const wanted = world.wanted();
  const gaps = await countMissing(world);
  const { market } = world.simulator;
  const { differences, cells } = await compareWithTruth(world.database, market, tokens, wanted, Date.now());
  // A window that was fetched before it was due, because a clock ran ahead, is there early and right.
  const isEarly = ({ granularity, token, time, metric, stored }: Difference) =>
    metric === rowNotWanted &&
    Date.parse(time) >= (wanted.get(granularity)?.end ?? Number.POSITIVE_INFINITY) &&
    market.value(granularity, asToken(token), 'CO-A-01-01', Date.parse(time)) === stored;
  const real = differences.filter((each) => !isEarly(each));
  const lost = real.filter((each) => each.stored === null && each.true !== null).length;
  return {
    lost,
    wrong: real.length - lost,
    repeated: await countRepeated(world),
    gaps,
    cells,
    complaints: world.complaints(),
  };
}

async function heal(world: World): Promise<void> {
  if (await world.hasPlanned()) await world.tick('heal');
}

/** How many cells are missing. */
async function countMissing(world: World): Promise<number> {
  let cells = 0;
  for (const [granularity, interval] of world.wanted()) {
    const selection = { granularity, tokens, metrics, interval };
    for (const gap of await world.persist(() => readGaps(world.database, selection))) {
      cells += gap.tokens.length * gap.metrics.length * windowCount(granularity, gap.interval);
    }
  }
  return cells;
}

async function countRepeated({ database }: World): Promise<number> {
  const twice = granularities.map(
    (each) => `(select count(*) - count(distinct (token, time)) from cryptoracle.metrics_${each})`,
  );
  // A value that was in quarantine first is not written twice when a good one comes.
  const rewritten = `(
    select count(*) from cryptoracle.revisions as r
    where r.old is not null or not exists (
      select from cryptoracle.quarantine as q
      where (q.granularity, q.token, q.time, q.metric) = (r.granularity, r.token, r.time, r.metric)))`;
  const { rows } = await database.pool.query<{ repeated: number }>(
    `select (${[...twice, rewritten].join(' + ')})::int as repeated`,
  );
  return rows[0]?.repeated ?? 0;
}

/** Begins anew where less than half of all cells are missing: a disaster needs work to strike. */
export async function beginWhereLittleIsLeft(world: World): Promise<void> {
  const windows = [...world.wanted()].reduce((sum, [name, interval]) => sum + windowCount(name, interval), 0);
  const cells = windows * tokens.length * metrics.length;
  if ((await countMissing(world)) * 2 < cells) await world.begin();
}
