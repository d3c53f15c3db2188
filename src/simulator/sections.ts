import { type Granularity, windowLength } from '../catalog/index.ts';
import { type Activity, type Counts, emptyCounts } from './activity.ts';
import { Cache } from './cache.ts';

/** One window seen across all tokens; what belongs to a token stands at its place in the list. */
export interface CrossSection extends Counts {
  /** Mentions of all tokens that have the granularity. */
  readonly total: number;
  /** 1 for the most mentioned; among the tokens that have the granularity, ties in list order; 0 for the others. */
  ranks(): Uint16Array;
}

/** The granularity that each coarser one is the sum of. */
const finer: Readonly<Record<Granularity, Granularity | null>> = {
  '15m': null,
  '1h': '15m',
  '4h': '1h',
  '1d': '4h',
};

export type Served = Readonly<Record<Granularity, readonly boolean[]>>;

/** Cross-sections of windows, the newest-used ones kept: 3 kilobytes each with 200 tokens. */
export class CrossSections {
  readonly #activity: Activity;
  readonly #served: Served;
  readonly #kept: Readonly<Record<Granularity, Cache<CrossSection>>>;

  constructor(activity: Activity, served: Served, capacity: number) {
    this.#activity = activity;
    this.#served = served;
    this.#kept = {
      '15m': new Cache(capacity),
      '1h': new Cache(capacity),
      '4h': new Cache(capacity),
      '1d': new Cache(capacity),
    };
  }

  at(granularity: Granularity, windowStart: number): CrossSection {
    return this.#kept[granularity].get(windowStart, () => {
      const part = finer[granularity];
      const counts =
        part === null ? this.#activity.counts(windowStart) : this.#sum(granularity, part, windowStart);
      return crossSection(counts, this.#served[granularity]);
    });
  }

  #sum(granularity: Granularity, part: Granularity, windowStart: number): Counts {
    const sum = emptyCounts(this.#activity.keys.length);
    const end = windowStart + windowLength[granularity];
    for (let start = windowStart; start < end; start += windowLength[part]) {
      const section = this.at(part, start);
      add(sum.mentions, section.mentions);
      add(sum.messages, section.messages);
      add(sum.interactions, section.interactions);
    }
    return sum;
  }
}

function add(sum: Int32Array, part: Int32Array): void {
  for (let index = 0; index < sum.length; index += 1) sum[index] = (sum[index] ?? 0) + (part[index] ?? 0);
}

function crossSection(counts: Counts, served: readonly boolean[]): CrossSection {
  let total = 0;
  for (let index = 0; index < served.length; index += 1) {
    if (served[index] === true) total += counts.mentions[index] ?? 0;
  }
  // Windows that only serve as parts of coarser ones are never ranked.
  let ranks: Uint16Array | undefined;
  return {
    ...counts,
    total,
    ranks: () => {
      ranks ??= rank(counts.mentions, served);
      return ranks;
    },
  };
}

function rank(mentions: Int32Array, served: readonly boolean[]): Uint16Array {
  const count = served.length;
  const keys: number[] = [];
  for (let index = 0; index < count; index += 1) {
    // One number orders by mentions, most first, then by place in the list: sorting numbers is fast.
    if (served[index] === true) keys.push(-(mentions[index] ?? 0) * count + index);
  }
  const ranks = new Uint16Array(count);
  Float64Array.from(keys)
    .sort()
    .forEach((key, position) => {
      ranks[((key % count) + count) % count] = position + 1;
    });
  return ranks;
}
