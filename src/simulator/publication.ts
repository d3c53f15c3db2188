import { type Granularity, granularities, windowLength } from '../catalog/index.ts';
import { hash, uniform } from './hash.ts';
import type { Series } from './series.ts';

const minute = 60_000;

export interface PublicationOptions {
  /** Share of the rows (token × window) that come 20 minutes to 3 hours after the window's close. */
  readonly lateShare: number;
  /** Share of the values that are preliminary at first and final 30 minutes to 6 hours after the close. */
  readonly changedShare: number;
  /** Whether the values of the newest window are preliminary for some minutes. */
  readonly provisional: boolean;
}

/** What a value is about: a token's window and a metric. */
export interface Cell {
  /** Stands for the token. */
  readonly key: number;
  readonly granularity: Granularity;
  readonly windowStart: number;
  readonly series: Series;
}

/**
 * Which share of the values still differs from the final one until so many minutes after the close. Seen at the API
 * (1h, 7 tokens, 3 days): 29 of 45 in minutes 3 to 6, 3 of 20 in minute 7, 4 of 66 in minutes 8 to 11, 0 of 62 later.
 */
const settling = [
  { until: 12, share: 0.06 },
  { until: 8, share: 0.15 },
  { until: 7, share: 0.644 },
] as const;

/** When what is published. Instants are milliseconds since the epoch. */
export class Publication {
  readonly #options: PublicationOptions;

  constructor(options: PublicationOptions) {
    this.#options = options;
  }

  /** When a token's row of the window appears: in the third minute after the close, a few later. */
  publishedAt(key: number, granularity: Granularity, windowStart: number): number {
    const close = windowStart + windowLength[granularity];
    const cell = hash(key, 201, granularities.indexOf(granularity), windowStart / minute);
    const part = uniform(hash(cell, 1));
    const isLate = uniform(hash(cell, 2)) < this.#options.lateShare;
    return close + Math.floor((isLate ? 20 + 160 * part : 2 + part) * minute);
  }

  /** When a value becomes final, where it is preliminary at first; `null` where it is final from the start. */
  finalAt(cell: Cell): number | null {
    const close = cell.windowStart + windowLength[cell.granularity];
    const chance = chanceOf(cell, 211);
    if (uniform(hash(chance, 1)) < this.#options.changedShare) {
      return close + Math.floor((30 + 330 * uniform(hash(chance, 2))) * minute);
    }
    if (!this.#options.provisional) return null;
    const draw = uniform(hash(chance, 3));
    const step = settling.find(({ share }) => draw < share);
    // Some seconds before the minute is full, each value at its own.
    return step === undefined
      ? null
      : close + Math.floor((step.until - 0.4 * uniform(hash(chance, 4))) * minute);
  }

  /** What stands in a value's place before it is final; never equal to it, and within what its kind allows. */
  preliminary(cell: Cell, final: number): number {
    const part = uniform(chanceOf(cell, 231));
    const steps = 1 + Math.floor(3 * part);
    switch (cell.series.kind) {
      case 'count':
        return final === 0 ? 1 : final - Math.ceil(final * (0.01 + 0.14 * part));
      case 'rank':
        return final > steps ? final - steps : final + steps;
      case 'change':
        return final + steps;
      default:
        return moved(cell.series, final, part);
    }
  }
}

/** Shares have eight decimals, since those of quiet tokens are tiny; all others have four. */
function moved({ endpoint }: Series, final: number, part: number): number {
  if (endpoint === 'CO-A-01-09') {
    return final === 0 ? 1e-5 : Math.round(1e8 * final * (0.9 + 0.05 * part)) / 1e8;
  }
  const move = Math.round(20 + 280 * part);
  return (Math.round(final * 1e4) + (final > 0.5 ? -move : move)) / 1e4;
}

function chanceOf({ key, granularity, windowStart, series }: Cell, purpose: number): number {
  return hash(hash(key, series.key), purpose, granularities.indexOf(granularity), windowStart / minute);
}
