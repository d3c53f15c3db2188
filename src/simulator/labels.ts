import { beijingDay } from '../beijing.ts';
import type { TagCode } from '../catalog/index.ts';
import { hash, uniform } from './hash.ts';

const day = 86_400_000;

/** What a project is about: its main domain and further ones. */
export interface Ecosystem {
  readonly primary: string;
  readonly secondary: readonly string[];
}

/** A tag's value: a text, or for the ecosystem an object. */
export type TagValue = string | Ecosystem;

const stablecoins = new Set(['USDT', 'USDC', 'USD1', 'FDUSD', 'TUSD', 'DAI', 'USDE', 'PYUSD']);

const mechanisms = new Map<string, string>([
  ...['BTC', 'DOGE', 'BCH', 'LTC', 'ETC', 'ZEC', 'DASH', 'RVN', 'KDA', 'SC', 'DGB', 'CKB', 'ZEN'].map(
    (token) => [token, 'PoW'] as const,
  ),
  ...['TRX', 'HIVE', 'A', 'SXP', 'JST', 'SUN'].map((token) => [token, 'DPoS'] as const),
  ...['VET', 'VTHO', 'TFUEL'].map((token) => [token, 'PoA'] as const),
  ['DCR', 'PoW/PoS'],
  ['BNB', 'PoSA'],
  ['XRP', 'RPCA'],
  ['XLM', 'SCP'],
  ['SOL', 'PoH/PoS'],
  ['HBAR', 'Hashgraph'],
  ['NEO', 'dBFT'],
  ['GAS', 'dBFT'],
  ['XNO', 'ORV'],
]);

const memes = new Set(
  'DOGE SHIB PEPE TRUMP BONK PENGU WIF FLOKI TURBO PNUT NEIRO BANANAS31 BOME LUNC'.split(' '),
);
const domains = ['DeFi', 'Layer 1', 'Layer 2', 'AI', 'GameFi', 'Infrastructure', 'Storage', 'NFT', 'RWA'];
const scales = ['small', 'medium', 'large', 'very large'];
const timezones = ['UTC+8', 'UTC+0', 'UTC-5', 'UTC+9', 'UTC+1', 'UTC-8'];

/** The labels of one token at any Beijing day; most never change, the community's change every few weeks or months. */
export class Labels {
  readonly #token: string;
  readonly #key: number;
  readonly #index: number;

  constructor(token: string, key: number, index: number) {
    this.#token = token;
    this.#key = key;
    this.#index = index;
  }

  /** @param dayStart an instant of the Beijing day asked for */
  at(tag: TagCode, dayStart: number): TagValue {
    const start = beijingDay(dayStart);
    switch (tag) {
      case 'CO-B-01-01':
        return this.#tier();
      case 'CO-B-01-03':
        return mechanisms.get(this.#token) ?? 'PoS';
      case 'CO-B-01-04':
        return this.#ecosystem();
      case 'CO-B-03-01':
        return this.#scale(start);
      case 'CO-B-03-05':
        return this.#draw(305, start, 45) < 0.4 ? 'concentrated' : 'dispersed';
      case 'CO-B-03-06':
        return timezones[Math.floor(this.#draw(306, start, 120) ** 1.5 * timezones.length)] ?? 'UTC+8';
    }
  }

  #tier(): string {
    if (stablecoins.has(this.#token)) return 'stablecoin';
    if (this.#index < 10) return 'whale';
    if (this.#index < 50) return 'major';
    return this.#index < 120 ? 'mid-cap' : 'micro';
  }

  #ecosystem(): Ecosystem {
    if (stablecoins.has(this.#token)) return { primary: 'Payments', secondary: ['DeFi'] };
    const first = Math.floor(uniform(hash(this.#key, 301)) * domains.length);
    const primary = memes.has(this.#token) ? 'Meme' : (domains[first] ?? 'DeFi');
    const count = hash(this.#key, 302) % 3;
    const secondary = Array.from(
      { length: count },
      (_, step) => domains[(first + step * 2 + 1) % domains.length],
    );
    return { primary, secondary: secondary.filter((domain) => domain !== undefined) };
  }

  #scale(start: number): string {
    const base = this.#index < 20 ? 3 : this.#index < 80 ? 2 : 1;
    const draw = this.#draw(303, start, 30);
    const move = draw < 0.15 ? -1 : draw > 0.85 ? 1 : 0;
    return scales[Math.max(0, Math.min(scales.length - 1, base + move))] ?? 'small';
  }

  /** A number in [0, 1) that stays for about as many days, each token changing on a day of its own. */
  #draw(purpose: number, start: number, days: number): number {
    const length = days * (1 + uniform(hash(this.#key, purpose, 1)));
    const shift = uniform(hash(this.#key, purpose, 2)) * length;
    const period = Math.floor((Math.round(start / day) + shift) / length);
    return uniform(hash(this.#key, purpose, period, 3));
  }
}
