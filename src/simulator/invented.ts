import type { MetricKind } from '../catalog/index.ts';
import { hash, normal, uniform, wave } from './hash.ts';

/** Least and largest values of scores that were seen in live answers. */
const seenScores: ReadonlyMap<string, readonly [least: number, most: number]> = new Map([
  ['CO-S-01-01', [-3.4, 2.7]],
  ['CO-S-01-02', [-3.4, 2.7]],
  ['CO-S-01-03', [-3.4, 2.7]],
  ['CO-S-01-05', [-5, 3.2]],
]);

const usualScores = [-3.5, 3.5] as const;

/**
 * A believable value of a metric that the market has no model of, such as one that was added to the catalogue: it moves
 * slowly about a level of its own, as its kind allows.
 *
 * @param endpoint the API's code of the metric
 * @param key stands for the token, the metric and its parameters
 * @param instant the middle of the window, in milliseconds since the epoch
 */
export function inventedValue(kind: MetricKind, endpoint: string, key: number, instant: number): number {
  const days = instant / 86_400_000;
  const level = uniform(hash(key, 1));
  const height = 0.6 * wave(hash(key, 2), days / 2) + 0.4 * wave(hash(key, 3), days * 8);
  // Windows of different lengths never share a middle, so they never share their noise.
  const noise = normal(hash(key, 4, Math.floor(instant / 450_000)));
  switch (kind) {
    case 'rank':
      return 1 + Math.round(199 * within(level + height / 8, 0, 1));
    case 'change':
      return Math.round(4 * height + noise) || 0;
    case 'count':
      return Math.max(0, Math.round(400 * level * (1 + height) + 3 * noise));
    case 'ratio':
      return rounded(within(level + height / 4 + noise / 50, 0, 1));
    case 'difference':
      return rounded(within(height + noise / 20, -1, 1));
    case 'score':
      return score(seenScores.get(endpoint) ?? usualScores, height, noise);
  }
}

/** Mostly about zero, and now and then at the ends of the range. */
function score([least, most]: readonly [number, number], height: number, noise: number): number {
  const value = 1.2 * height + 0.7 * noise;
  return rounded(within(value * (value < 0 ? -least : most) * 0.4, least, most));
}

function within(value: number, least: number, most: number): number {
  return Math.max(least, Math.min(most, value));
}

/** Four decimals, as the vendor gives ratios; never minus zero. */
function rounded(value: number): number {
  return Math.round(value * 1e4) / 1e4 || 0;
}
