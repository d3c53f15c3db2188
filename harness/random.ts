import { hash, uniform } from '../src/simulator/hash.ts';

/** Chance that can be repeated: the same seed gives the same draws. */
export class Random {
  readonly #seed: number;
  #draws = 0;

  constructor(seed: number) {
    this.#seed = seed;
  }

  /** A whole number, both ends included. */
  between(least: number, most: number): number {
    return least + Math.floor(uniform(hash(this.#seed, ++this.#draws)) * (most - least + 1));
  }

  /** @throws RangeError where there is nothing to pick from */
  pick<T>(items: readonly T[]): T {
    const item = items[this.between(0, items.length - 1)];
    if (item === undefined) throw new RangeError('nothing to pick from');
    return item;
  }
}
