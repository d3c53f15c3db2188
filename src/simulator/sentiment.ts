import { hash, normal, uniform, wave } from './hash.ts';

const hour = 3_600_000;

/** Sentiment ratios of one window, in whole ten-thousandths, so that differences have no float dust. */
export interface Sentiment {
  readonly positive: number;
  readonly negative: number;
  readonly extreme: number;
  readonly consensus: number;
}

const silence: Sentiment = { positive: 0, negative: 0, extreme: 0, consensus: 0 };

const one = 10_000;

function within(value: number, least: number, most: number): number {
  return Math.max(least, Math.min(most, value));
}

/**
 * Sentiment about a token in a window: smooth in time, moved by bursts, and the noisier the fewer voices there are.
 * A window without mentions has none. Coarser windows have their own curve points, not means of the finer ones:
 * the API weighs by influence, so its coarse ratios are no plain means either.
 *
 * @param middle the middle of the window, in milliseconds since the epoch
 * @param mood what bursts do to it, from -1 to 1
 */
export function sentimentAt(key: number, middle: number, mentions: number, mood: number): Sentiment {
  if (mentions === 0) return silence;
  const bias = uniform(hash(key, 101)) - 0.5;
  const lean = within(
    0.58 +
      0.24 * bias +
      0.18 * wave(hash(key, 102), middle / (72 * hour)) +
      0.1 * wave(hash(key, 103), middle / (7 * hour)) +
      0.22 * mood,
    0.04,
    0.96,
  );
  const strength =
    0.5 + 0.12 * wave(hash(key, 104), middle / (40 * hour)) + 0.15 * Math.abs(mood) + 0.1 * bias;
  const noise = 0.3 / Math.sqrt(mentions + 5);
  // Windows of different lengths never share a middle, so they never share their noise.
  const moment = Math.floor(middle / 450_000);
  const positive = Math.round(
    one * within(strength * lean + noise * normal(hash(key, 105, moment)), 0, 0.98),
  );
  const negative = Math.round(
    within(one * (strength * (1 - lean) + noise * normal(hash(key, 106, moment))), 0, one - positive),
  );
  const polarity = positive + negative;
  const extreme = Math.round(
    polarity * within(0.18 + 0.2 * Math.abs(mood) + noise * normal(hash(key, 107, moment)), 0, 1),
  );
  const consensus = Math.round(
    one * within(0.35 + 0.9 * Math.abs(lean - 0.5) + 0.5 * noise * normal(hash(key, 108, moment)), 0, 1),
  );
  return { positive, negative, extreme, consensus };
}
