import { askedApart, type Granularity, type MetricCode, type Token, windowLength } from '../catalog/index.ts';
import type { Milliseconds } from '../time.ts';
import type { Interval } from './interval.ts';
import { type DataRequest, type RecordUnit, recordsOf } from './request.ts';
import { type Tile, Tiling } from './tiling.ts';
import { windowCount } from './windows.ts';

/** A block of missing cells: every metric of every token misses every window of the interval. */
export interface Gap {
  readonly granularity: Granularity;
  readonly tokens: readonly Token[];
  readonly metrics: readonly MetricCode[];
  /** On the granularity's grid. */
  readonly interval: Interval;
}

export interface PackingRules {
  /** Most records the API gives in one answer. */
  readonly limit: number;
  readonly unit: RecordUnit;
  /** Records that come on top in each token × window, for a tag that is sent always. */
  readonly extraRecords: number;
}

/**
 * A request for whole rows (all metrics of a gap) lets each row be written once; a row that comes in parts is written by its
 * first part and changed by every other, which takes several times as long. Only where whole rows would cost more requests
 * than this factor of the limits' worth of records are the metrics divided among requests. A short gap has few requests,
 * so that one more is a larger part of them.
 */
const wholeRowTolerance = { short: 1.06, long: 1.01 } as const;

/** Longest gap that counts as short: as old as what is repaired. */
const shortGap: Milliseconds = 7 * 86_400_000;

/** Trying every cut of a gap costs time; gaps of more windows are packed well without. */
const mostWindowsToCut = 64;

/** The gap, or more where series of one code are among its metrics: they are asked for in requests of their own. */
function partsOf(gap: Gap): readonly Gap[] {
  return askedApart(gap.metrics).map((metrics) => ({ ...gap, metrics }));
}

/** Packs gaps into requests under the limit. Keeps what it has worked out: one for the life of a plan or a process. */
export class Packer {
  #rules: PackingRules;
  readonly #tilings = new Map<number, Tiling>();

  constructor(rules: PackingRules) {
    this.#rules = checked(rules);
  }

  /** Packs by these rules from now on: what a record is may turn out while a process runs. */
  follow(rules: PackingRules): void {
    this.#rules = checked(rules);
  }

  /** Whether an answer to the request keeps to the limit. */
  fits(request: DataRequest): boolean {
    const { limit, unit, extraRecords } = this.#rules;
    const rows = request.tokens.length * windowCount(request.granularity, request.interval);
    return recordsOf(request, unit) + (unit === 'row' ? 0 : rows * extraRecords) <= limit;
  }

  /** How many requests the gap takes. */
  count(gap: Gap): number {
    return partsOf(gap)
      .flatMap((part) => this.#stretches(part))
      .reduce((sum, stretch) => sum + this.#countWhole(stretch), 0);
  }

  /** Requests that cover the gap exactly, without overlap, each within the limit; newest windows first. */
  pack(gap: Gap): DataRequest[] {
    const stretches = partsOf(gap).flatMap((part) => this.#stretches(part));
    const requests = stretches.flatMap((stretch) =>
      this.#divideMetrics(stretch).flatMap((metrics) =>
        Array.from(
          this.#tiling(metrics.length).tiles(
            stretch.tokens.length,
            windowCount(gap.granularity, stretch.interval),
          ),
          (tile) => cutOut(stretch, metrics, tile),
        ),
      ),
    );
    return requests.sort((a, b) => b.interval.end - a.interval.end);
  }

  /**
   * The gap, or the two parts of it that take fewer requests than the whole: among small gaps there are some, such as 53
   * days of everything, that only a cut in time brings near the fewest possible.
   */
  #stretches(gap: Gap): readonly Gap[] {
    const windows = windowCount(gap.granularity, gap.interval);
    const whole = this.#countWhole(gap);
    if (windows > mostWindowsToCut || whole <= this.#lowerBound(gap) * 1.01) return [gap];
    const { start, end } = gap.interval;
    for (let cut = 1; cut < windows; cut++) {
      const at = end - cut * windowLength[gap.granularity];
      const parts = [
        { ...gap, interval: { start: at, end } },
        { ...gap, interval: { start, end: at } },
      ];
      if (parts.reduce((sum, part) => sum + this.#countWhole(part), 0) < whole) return parts;
    }
    return [gap];
  }

  /** Lower bound of the requests: no way of packing takes fewer. */
  #lowerBound(gap: Gap): number {
    return Math.ceil(this.#fullRequests(gap));
  }

  /** How many requests' worth of records the gap has, with a fraction for the last. */
  #fullRequests({ granularity, interval, tokens, metrics }: Gap): number {
    const { limit, unit, extraRecords } = this.#rules;
    const rows = tokens.length * windowCount(granularity, interval);
    return (rows * (unit === 'row' ? 1 : metrics.length + extraRecords)) / limit;
  }

  #countWhole(gap: Gap): number {
    const windows = windowCount(gap.granularity, gap.interval);
    return this.#divideMetrics(gap).reduce(
      (sum, group) => sum + this.#tiling(group.length).count(gap.tokens.length, windows),
      0,
    );
  }

  #tiling(metrics: number): Tiling {
    const { limit, unit, extraRecords } = this.#rules;
    const area = unit === 'row' ? limit : Math.floor(limit / (metrics + extraRecords));
    let tiling = this.#tilings.get(area);
    if (tiling === undefined) {
      tiling = new Tiling(area);
      this.#tilings.set(area, tiling);
    }
    return tiling;
  }

  /** The groups of metrics that are asked for together. */
  #divideMetrics(gap: Gap): (readonly MetricCode[])[] {
    const { limit, unit, extraRecords } = this.#rules;
    const metrics = gap.metrics;
    const most = unit === 'row' ? metrics.length : Math.min(metrics.length, limit - extraRecords);
    if (metrics.length === 0) return [];
    const windows = windowCount(gap.granularity, gap.interval);
    const lowerBound = this.#lowerBound(gap);
    const cost = (sizes: readonly number[]) =>
      sizes.reduce((sum, size) => sum + this.#tiling(size).count(gap.tokens.length, windows), 0);

    const whole = equalParts(metrics.length, Math.ceil(metrics.length / most));
    let best = whole;
    let bestCost = cost(whole);
    const { start, end } = gap.interval;
    const tolerance = wholeRowTolerance[end - start <= shortGap ? 'short' : 'long'];
    if (unit === 'value' && whole.length === 1 && bestCost > this.#fullRequests(gap) * tolerance) {
      for (const sizes of divisions(metrics.length)) {
        const sizesCost = cost(sizes);
        if (sizesCost < bestCost) [best, bestCost] = [sizes, sizesCost];
        if (bestCost <= lowerBound) break;
      }
    }
    let taken = 0;
    return best.map((size) => {
      taken += size;
      return metrics.slice(taken - size, taken);
    });
  }
}

function checked(rules: PackingRules): PackingRules {
  if (!(rules.limit > rules.extraRecords))
    throw new RangeError('the record limit is too small for one value');
  return rules;
}

/** Divides a whole into parts that differ by at most one. */
function equalParts(whole: number, parts: number): number[] {
  return Array.from({ length: parts }, (_, part) => Math.floor((whole + part) / parts)).reverse();
}

/** Ways to divide the metrics, the fewest groups first: every pair, then every triple, then one by one. */
function* divisions(whole: number): Generator<number[]> {
  for (let first = whole - 1; first * 2 >= whole; first--) yield [first, whole - first];
  for (let first = whole - 2; first * 3 >= whole; first--) {
    for (let second = Math.min(first, whole - first - 1); second * 2 >= whole - first; second--) {
      yield [first, second, whole - first - second];
    }
  }
  yield Array.from({ length: whole }, () => 1);
}

function cutOut(gap: Gap, metrics: readonly MetricCode[], tile: Tile): DataRequest {
  const length = windowLength[gap.granularity];
  return {
    granularity: gap.granularity,
    tokens: gap.tokens.slice(tile.left, tile.right),
    metrics,
    tags: [],
    // Row 0 of the grid is the newest window, so that whole tiles lie at the newest end.
    interval: { start: gap.interval.end - tile.bottom * length, end: gap.interval.end - tile.top * length },
  };
}
