import { beijingDay } from '../beijing.ts';
import { Cache } from './cache.ts';
import { hash, hashText, normal, poisson, uniform, wave } from './hash.ts';

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;
const quarter = 15 * minute;
const quartersADay = 96;

/** Mentions a quarter of an hour of the most popular token on an ordinary day. */
const topMentions = 1_200;

/** What a hash is drawn for; keeps draws for different things apart. */
const purpose = {
  popularity: 1,
  region: 2,
  weekend: 3,
  slowTrend: 4,
  fastTrend: 5,
  burst: 6,
  burstShape: 7,
  jitter: 8,
  mentions: 9,
  messages: 10,
  interactions: 11,
  voice: 12,
} as const;

/** How talk about a token stands out at an instant: its volume as a factor, its mood from -1 to 1. */
export interface Excitement {
  readonly factor: number;
  readonly mood: number;
}

const calm: Excitement = { factor: 1, mood: 0 };

/** Counts of one window for all tokens, in list order. */
export interface Counts {
  readonly mentions: Int32Array;
  readonly messages: Int32Array;
  readonly interactions: Int32Array;
}

export function emptyCounts(tokens: number): Counts {
  return {
    mentions: new Int32Array(tokens),
    messages: new Int32Array(tokens),
    interactions: new Int32Array(tokens),
  };
}

/**
 * How much is said about each token in each quarter of an hour: popularity by rank, the rhythm of the day where
 * its people live, weekends, slow trends, bursts of some hours, and the noise of counting.
 */
export class Activity {
  readonly keys: readonly number[];
  readonly #marketKey: number;
  readonly #popularity: readonly number[];
  readonly #weekend: readonly number[];
  readonly #messagesPerMention: readonly number[];
  readonly #interactionsPerMention: readonly number[];
  /** Factor by token and quarter of the Beijing day. */
  readonly #rhythm: Float64Array;
  readonly #levels = new Cache<Float64Array>(1_024);

  constructor(seed: number, tokens: readonly string[]) {
    this.keys = tokens.map((token) => hashText(seed, token));
    this.#marketKey = hashText(seed, 'the market');
    this.#popularity = this.keys.map(popularity);
    this.#weekend = this.keys.map((key) => 0.78 + 0.2 * uniform(hash(key, purpose.weekend)));
    this.#messagesPerMention = this.keys.map((key) => 0.4 + 2 * uniform(hash(key, purpose.voice, 1)));
    this.#interactionsPerMention = this.keys.map((key) => 2 + 9 * uniform(hash(key, purpose.voice, 2)));
    this.#rhythm = new Float64Array(tokens.length * quartersADay);
    this.keys.forEach((key, index) => {
      this.#rhythm.set(rhythm(key), index * quartersADay);
    });
  }

  /** Counts of the quarter of an hour that starts at the instant. */
  counts(start: number): Counts {
    const today = beijingDay(start);
    const slot = Math.floor((start - today) / quarter);
    const part = (slot + 0.5) / quartersADay;
    const levels = this.#levelsOf(today);
    const next = this.#levelsOf(today + day);
    const number = Math.floor(start / quarter);
    const counts = emptyCounts(this.keys.length);
    const all = burstAt(this.#marketKey, today, start + quarter / 2, 0.04);
    for (let index = 0; index < this.keys.length; index += 1) {
      const key = this.keys[index] ?? 0;
      const level = levels[index] ?? 0;
      const own = burstAt(key, today, start + quarter / 2, 0.07);
      const expected =
        (level + ((next[index] ?? 0) - level) * part) *
        (this.#rhythm[index * quartersADay + slot] ?? 1) *
        all.factor *
        own.factor *
        (1 + 0.1 * normal(hash(key, purpose.jitter, number)));
      counts.mentions[index] = poisson(expected, hash(key, purpose.mentions, number));
      counts.messages[index] = poisson(
        expected * (this.#messagesPerMention[index] ?? 1),
        hash(key, purpose.messages, number),
      );
      counts.interactions[index] = poisson(
        expected * (this.#interactionsPerMention[index] ?? 1),
        hash(key, purpose.interactions, number),
      );
    }
    return counts;
  }

  /** The mood about a token at an instant, from -1 to 1: what its bursts and the market's do to sentiment. */
  mood(index: number, instant: number): number {
    const today = beijingDay(instant);
    const own = burstAt(this.keys[index] ?? 0, today, instant, 0.07);
    const all = burstAt(this.#marketKey, today, instant, 0.04);
    return Math.max(-1, Math.min(1, own.mood + all.mood / 2));
  }

  /** Expected mentions a quarter of an hour at the start of a Beijing day, without rhythm and bursts. */
  #levelsOf(start: number): Float64Array {
    return this.#levels.get(start, () => {
      const number = Math.round(start / day);
      const weekday = new Date(start + day / 2).getUTCDay();
      const isWeekend = weekday === 0 || weekday === 6;
      return Float64Array.from(this.keys, (key, index) => {
        const trend =
          0.5 * wave(hash(key, purpose.slowTrend), number / 31) +
          0.3 * wave(hash(key, purpose.fastTrend), number / 5);
        const weekend = isWeekend ? (this.#weekend[index] ?? 1) : 1;
        return (this.#popularity[index] ?? 0) * Math.exp(trend) * weekend;
      });
    });
  }
}

/** Heavy-tailed by rank; the two largest tokens keep their place, the others scatter around theirs. */
function popularity(key: number, index: number): number {
  const scatter = index < 2 ? 0 : 0.6 * normal(hash(key, purpose.popularity));
  return topMentions * (index + 1) ** -1.1 * Math.exp(scatter);
}

/** The busiest hours of the day in Beijing time: the evening in Asia, in Europe, in America. */
const peaks = [20.5, 0.5, 5] as const;

/** Factor of each quarter of the Beijing day, mean 1, from where in the world the token's people live. */
function rhythm(key: number): Float64Array {
  const weights = peaks.map((_, region) => 0.2 + uniform(hash(key, purpose.region, region)));
  const curve = new Float64Array(quartersADay).map((_, slot) => {
    const now = (slot + 0.5) / 4;
    return weights.reduce((sum, weight, region) => {
      const angle = ((now - (peaks[region] ?? 0)) / 24) * 2 * Math.PI;
      return sum + weight * Math.exp(2 * (Math.cos(angle) - 1));
    }, 0.25);
  });
  const mean = curve.reduce((sum, factor) => sum + factor, 0) / quartersADay;
  return curve.map((factor) => factor / mean);
}

/** The bursts under way at an instant: those that began on this Beijing day or the one before. */
function burstAt(key: number, today: number, instant: number, probability: number): Excitement {
  const now = burstOf(key, today, instant, probability);
  const before = burstOf(key, today - day, instant, probability);
  if (now === calm) return before;
  if (before === calm) return now;
  return { factor: now.factor * before.factor, mood: Math.max(-1, Math.min(1, now.mood + before.mood)) };
}

/** A day's burst, if it has one: begins at any time of the day, rises fast, fades within 2 to 14 hours. */
function burstOf(key: number, start: number, instant: number, probability: number): Excitement {
  const number = Math.round(start / day);
  if (uniform(hash(key, purpose.burst, number)) >= probability) return calm;
  const begin = start + uniform(hash(key, purpose.burstShape, number, 1)) * day;
  const length = (2 + 12 * uniform(hash(key, purpose.burstShape, number, 2))) * hour;
  const part = (instant - begin) / length;
  if (part <= 0 || part >= 1) return calm;
  const shape = part < 0.1 ? part * 10 : ((1 - part) / 0.9) ** 2;
  // Most bursts double the talk, a few make it ten times as much.
  const height = 0.6 / (0.06 + uniform(hash(key, purpose.burstShape, number, 3)));
  const sign = uniform(hash(key, purpose.burstShape, number, 4)) < 0.6 ? 1 : -1;
  return { factor: 1 + height * shape, mood: sign * shape };
}
