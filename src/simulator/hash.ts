/**
 * Chance without memory: every random-looking number of the simulator is a hash of the seed and of what it stands
 * for, so that any cell can be computed on its own, in any order, and always comes out the same.
 */

/** A well-mixed unsigned 32-bit number from a seed and up to three integers (MurmurHash3, 32 bit). */
export function hash(seed: number, a: number, b = 0, c = 0): number {
  let h = mixIn(mixIn(mixIn(seed | 0, a), b), c);
  h ^= h >>> 16;
  h = Math.imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2ae35);
  h ^= h >>> 16;
  return h >>> 0;
}

function mixIn(h: number, value: number): number {
  let k = Math.imul(value, 0xcc9e2d51);
  k = (k << 15) | (k >>> 17);
  h ^= Math.imul(k, 0x1b873593);
  h = (h << 13) | (h >>> 19);
  return (Math.imul(h, 5) + 0xe6546b64) | 0;
}

/** A 32-bit number for a text, to stand for it in `hash`. */
export function hashText(seed: number, text: string): number {
  let h = hash(seed, text.length);
  for (let at = 0; at < text.length; at += 1) h = hash(h, text.charCodeAt(at));
  return h;
}

/** The hash as a number in [0, 1). */
export function uniform(h: number): number {
  return h / 4_294_967_296;
}

/** The hash as a nearly normal number, mean 0, deviation 1, between -3.5 and 3.5: the sum of its four bytes. */
export function normal(h: number): number {
  const sum = (h & 255) + ((h >>> 8) & 255) + ((h >>> 16) & 255) + (h >>> 24);
  return (sum - 510) / 147.8;
}

/** The hash as a count with this mean: Poisson where it is small, the normal approximation where it is not. */
export function poisson(mean: number, h: number): number {
  if (mean > 24) return Math.max(0, Math.round(mean + Math.sqrt(mean) * normal(h)));
  if (mean <= 0) return 0;
  const wanted = uniform(h);
  let probability = Math.exp(-mean);
  let cumulated = probability;
  let count = 0;
  while (wanted > cumulated && count < 100) {
    count += 1;
    probability *= mean / count;
    cumulated += probability;
  }
  return count;
}

/**
 * A smooth random curve between -1 and 1: random heights at the whole numbers, eased in between.
 *
 * @param position where on the curve, in knots
 */
export function wave(key: number, position: number): number {
  const knot = Math.floor(position);
  const part = position - knot;
  const left = uniform(hash(key, knot));
  const right = uniform(hash(key, knot + 1));
  return 2 * (left + (right - left) * part * part * (3 - 2 * part)) - 1;
}
