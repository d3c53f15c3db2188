import { Random } from '../../harness/random.ts';
import { bundledTokens, type Granularity, granularities, windowLength } from '../../src/catalog/index.ts';
import { groupCells, type MissingCells } from '../../src/planning/gaps.ts';
import { type Gap, Packer } from '../../src/planning/packing.ts';
import { planGaps, wantedWindows } from '../../src/planning/plan.ts';
import type { Measured } from '../figure.ts';
import { v1Metrics } from '../recorder/index.ts';
import type { Bench } from '../world.ts';

const limit = 2000;
const day = 86_400_000;
const start = Date.parse('2025-01-01T00:00:00Z');
/** The goals are about all tokens, and counting costs little. */
const tokens = bundledTokens.map(({ token }) => token);

const newPacker = () => new Packer({ limit, unit: 'value', extraRecords: 0 });

const cellsOf = ({ granularity, interval, tokens: of, metrics }: Gap) =>
  ((interval.end - interval.start) / windowLength[granularity]) * of.length * metrics.length;

function figureOf(name: string, requests: number, fewest: number, atMost: number): Measured {
  const detail = `${requests} requests, at least ${fewest}`;
  return { name, value: requests / fewest, unit: '×', goal: { atMost }, detail };
}

/** Requests for everything in so many days against the fewest that hold so many values. */
async function fullDays(days: number, atMost: number): Promise<Measured> {
  const end = start + days * day;
  const wanted = wantedWindows({ start, end }, granularities, end + day, 0, '08:00');
  const packer = newPacker();
  let requests = 0;
  let cells = 0;
  const nothingYet = async (granularity: Granularity, interval: Gap['interval']) => [
    { granularity, interval, tokens, metrics: v1Metrics },
  ];
  for await (const gaps of planGaps(wanted, nothingYet)) {
    for (const gap of gaps) {
      requests += packer.count(gap);
      cells += cellsOf(gap);
    }
  }
  return figureOf(`everything in ${days} days ÷ fewest`, requests, Math.ceil(cells / limit), atMost);
}

function oneWindow(): Measured {
  const interval = { start, end: start + windowLength['15m'] };
  const requests = newPacker().count({ granularity: '15m', tokens, metrics: v1Metrics, interval });
  return {
    ...{ name: 'one window of everything', value: requests, unit: '×', goal: { atMost: 2 } },
    detail: `${tokens.length * v1Metrics.length} values, ${requests} requests`,
  };
}

/** Rows that miss, as `missing[token][window]`, 5 % of them at random. */
function drawHoles(windows: number): boolean[][] {
  const random = new Random(1);
  return tokens.map(() => Array.from({ length: windows }, () => random.between(1, 100) <= 5));
}

/**
 * Requests that no packing can do without. A request is a set of tokens × one interval, whose area is limited: of each
 * interval it takes the tokens with most holes at best. A hole is worth one part in so many as any request about its window
 * can hold, and every request is worth one at most.
 */
function lowerBound(missing: readonly (readonly boolean[])[], windows: number, area: number): number {
  const mostAt = Array.from({ length: windows }, () => 0);
  for (let from = 0; from < windows; from++) {
    const counts = missing.map(() => 0);
    for (let to = from; to < Math.min(windows, from + area); to++) {
      for (const [token, row] of missing.entries()) if (row[to]) counts[token] = (counts[token] ?? 0) + 1;
      const best = counts.toSorted((a, b) => b - a).slice(0, Math.floor(area / (to - from + 1)));
      const most = best.reduce((sum, count) => sum + count, 0);
      for (let window = from; window <= to; window++) mostAt[window] = Math.max(mostAt[window] ?? 0, most);
    }
  }
  const worth = missing.flatMap((row) => mostAt.map((most, window) => (row[window] ? 1 / most : 0)));
  return Math.ceil(worth.reduce((sum, each) => sum + each, 0));
}

function scattered(days: number): Measured {
  const length = windowLength['1h'];
  const windows = days * 24;
  const missing = drawHoles(windows);
  const cells: MissingCells[] = [];
  for (const [position, row] of missing.entries()) {
    const token = tokens[position];
    for (let window = 0; window < windows; window++) {
      if (token === undefined || !row[window]) continue;
      const interval = { start: start + window * length, end: start + (window + 1) * length };
      for (const metric of v1Metrics) cells.push({ token, metric, interval });
    }
  }
  const packer = newPacker();
  const requests = groupCells('1h', cells).reduce((sum, gap) => sum + packer.count(gap), 0);
  const fewest = lowerBound(missing, windows, Math.floor(limit / v1Metrics.length));
  return figureOf(`5 % random holes in ${days} days of 1h ÷ lower bound`, requests, fewest, 1.5);
}

export const packing: Bench = {
  name: 'packing',
  about: 'requests drawn up against the fewest that can be',
  needsDatabase: false,
  run: async () => [
    await fullDays(90, 1.01),
    await fullDays(30, 1.01),
    await fullDays(3, 1.06),
    oneWindow(),
    scattered(7),
  ],
};
