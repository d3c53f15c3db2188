import { type Granularity, granularities, metrics, windowLength } from '../catalog/index.ts';
import { hash, uniform } from './hash.ts';

const minute = 60_000;

export interface PublicationOptions {
  /** Share of the rows (token × window) that come 20 minutes to 3 hours after the window's close. */
  readonly lateShare: number;
  /** Share of the values that are preliminary at first and final 30 minutes to 6 hours after the close. */
  readonly changedShare: number;
}

/** When what is published. Instants are milliseconds since the epoch. */
export class Publication {
  readonly #options: PublicationOptions;

  constructor(options: PublicationOptions) {
    this.#options = options;
  }

  /** When a token's row of the window appears: 10 to 15 minutes after the close, a few later. */
  publishedAt(key: number, granularity: Granularity, windowStart: number): number {
    const close = windowStart + windowLength[granularity];
    const cell = hash(key, 201, granularities.indexOf(granularity), windowStart / minute);
    const part = uniform(hash(cell, 1));
    const isLate = uniform(hash(cell, 2)) < this.#options.lateShare;
    return close + Math.floor((isLate ? 20 + 160 * part : 10 + 5 * part) * minute);
  }

  /** When a value becomes final, where it is preliminary at first; `null` where it is final from the start. */
  changedAt(key: number, granularity: Granularity, windowStart: number, metric: number): number | null {
    const cell = hash(key, 211 + metric, granularities.indexOf(granularity), windowStart / minute);
    if (uniform(hash(cell, 1)) >= this.#options.changedShare) return null;
    const close = windowStart + windowLength[granularity];
    return close + Math.floor((30 + 330 * uniform(hash(cell, 2))) * minute);
  }

  /** What stands in a value's place before it is final; never equal to it. */
  preliminary(key: number, windowStart: number, metric: number, final: number): number {
    const part = uniform(hash(key, 231 + metric, windowStart / minute));
    const entry = metrics[metric];
    if (entry === undefined) throw new RangeError(`no metric at position ${metric}`);
    const { kind, column } = entry;
    const steps = 1 + Math.floor(3 * part);
    if (kind === 'count') return final === 0 ? 1 : final - Math.ceil(final * (0.01 + 0.14 * part));
    if (kind === 'rank') return final > steps ? final - steps : final + steps;
    if (kind === 'change') return final + steps;
    if (column === 'mention_share') {
      return final === 0 ? 1e-5 : Math.round(1e8 * final * (0.9 + 0.05 * part)) / 1e8;
    }
    const move = Math.round(20 + 280 * part);
    return (Math.round(final * 1e4) + (final > 0.5 ? -move : move)) / 1e4;
  }
}
