import {
  asToken,
  bundledTokens,
  type Catalogue,
  createCatalogue,
  granularities,
  type MetricEntry,
  type Token,
} from '../../src/catalog/index.ts';
import { Packer } from '../../src/planning/packing.ts';
import { planRequests, stretchFor, wantedWindows } from '../../src/planning/plan.ts';
import { AnswerWriter } from '../../src/store/answers/writer.ts';
import { Database } from '../../src/store/connection/database.ts';
import { readGaps } from '../../src/store/ledger/coverage.ts';
import { type Figure, median, rate, thousands } from '../figure.ts';
import { inventAnswer } from '../invented.ts';
import type { Bench, World } from '../world.ts';
import { atATime, storeOne } from './store.ts';

/** What a fill is made of. */
interface Amount {
  readonly tokens: number;
  readonly days: number;
  readonly metrics: number;
}

interface Cost {
  readonly values: number;
  readonly milliseconds: number;
}

/** The least of each, where one of the others grows. */
const least = { tokens: 50, days: 1, metrics: 13 } as const satisfies Amount;

/** Metrics grow over so many days, since a day of one answer a granularity says little. */
const daysOfMetrics = 7;

/** Fills that are shorter than this are repeated, for one of them says little. */
const shortFill = 500_000;

const day = 86_400_000;

const entryOf = (number: number): MetricEntry => ({
  ...{ code: `BENCH-${number}`, column: `bench_${number}`, kind: 'score', unit: '1' },
  ...{ minimum: null, maximum: null, meaning: 'drawn at random', acrossWindows: 'nothing' },
  ...{ summable: false, averageable: true, versions: ['v1'] },
});

/** The metrics of v1, and as many more of the user's own. */
function catalogueOf(metrics: number): Catalogue {
  const bundled = createCatalogue();
  const known = bundled.served(bundled.codes).length;
  return createCatalogue({
    userEntries: Array.from({ length: metrics - known }, (_, number) => entryOf(number)),
  });
}

const tokensOf = (count: number): readonly Token[] =>
  Array.from({ length: count }, (_, number) => bundledTokens[number]?.token ?? asToken(`BENCH${number}`));

/** What the ledger of an empty database lacks, planned as the program plans it, invented and stored. */
async function fill(database: Database, { tokens: count, days }: Amount): Promise<Cost> {
  const { catalogue } = database;
  const [tokens, metrics] = [tokensOf(count), catalogue.served(catalogue.codes)];
  const end = Math.floor(Date.now() / day) * day;
  const wanted = wantedWindows({ start: end - days * day, end }, granularities, end + day, 0, '08:00');
  const requests = planRequests(
    wanted,
    (granularity, interval) => readGaps(database, { granularity, tokens, metrics, interval }),
    new Packer({ limit: 2000, unit: 'value', extraRecords: 0 }),
    stretchFor(tokens.length * metrics.length, granularities),
  );
  const writer = new AnswerWriter(database);
  let values = 0;
  const storeAll = async () => {
    // The generator is shared: each request comes to one of those that ask.
    for (let next = await requests.next(); next.done !== true; next = await requests.next()) {
      const answer = inventAnswer(next.value, catalogue);
      await storeOne(writer, { request: next.value, answer });
      values += answer.values;
    }
  };
  const started = performance.now();
  await Promise.all(Array.from({ length: atATime }, storeAll));
  return { values, milliseconds: performance.now() - started };
}

/** Milliseconds of a fill in a database of its own, which has everything that comes with a migrated one. */
async function timeOf(world: World, amount: Amount): Promise<Cost> {
  const empty = await world.database(catalogueOf(amount.metrics));
  const database = new Database(empty.url, { connections: atATime, catalogue: empty.catalogue });
  try {
    await Promise.all(Array.from({ length: atATime }, () => database.pool.query('select')));
    return await fill(database, amount);
  } finally {
    await database.close();
  }
}

async function costOf(world: World, amount: Amount): Promise<Cost> {
  const first = await timeOf(world, amount);
  const rounds = first.values < shortFill ? 2 : 0;
  const costs = [first];
  for (let round = 0; round < rounds; round++) costs.push(await timeOf(world, amount));
  return { ...first, milliseconds: median(costs.map(({ milliseconds }) => milliseconds)) };
}

const each = ({ values, milliseconds }: Cost) => milliseconds / values;

function compare(name: string, less: Cost, more: Cost): Figure {
  return {
    ...{ name, value: each(more) / each(less), unit: '×', goal: { atMost: 1.1 } },
    detail: `${thousands(more.values)} values, ${rate(more.values, more.milliseconds)}, against ${thousands(less.values)}, ${rate(less.values, less.milliseconds)}`,
  };
}

/** The time of a value at each step of one of the amounts against the step before. */
async function climb(
  world: World,
  what: keyof Amount,
  steps: readonly number[],
  rest: Amount,
): Promise<readonly Figure[]> {
  const figures: Figure[] = [];
  let before: { readonly step: number; readonly cost: Cost } | undefined;
  for (const step of steps) {
    const cost = await costOf(world, { ...rest, [what]: step });
    if (before !== undefined) {
      figures.push(compare(`a value of ${step} ${what} ÷ of ${before.step}`, before.cost, cost));
    }
    before = { step, cost };
  }
  return figures;
}

export const scale: Bench = {
  name: 'scale',
  about: 'the time of a value, planned and stored, of more days, tokens or metrics against less',
  needsDatabase: true,
  async run(world) {
    const { days, tokens, metrics } = world.size.scale;
    // Connections are opened and code is compiled by a run that does not count.
    await timeOf(world, { ...least, tokens: Math.max(...tokens.slice(0, 2)) });
    return [
      ...(await climb(world, 'days', days, least)),
      ...(await climb(world, 'tokens', tokens, least)),
      ...(await climb(world, 'metrics', metrics, { ...least, days: daysOfMetrics })),
    ];
  },
};
