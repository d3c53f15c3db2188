import type { Logger } from 'pino';
import type { Answer } from '../api/decode.ts';
import { type DayStart, dayStartAt, windowLength } from '../catalog/index.ts';
import type { Clock } from '../clock.ts';
import type { DataRequest } from '../planning/request.ts';
import type { Database } from '../store/connection/database.ts';
import { keepDayStart, readFacts, storeFact } from '../store/ledger/facts.ts';

/**
 * Learns from answers when the API's day starts. The page does not say; what is assumed holds until the first 1d answer,
 * and then the answer is believed. The fact stands in the database alone: another process, or a restored backup, may
 * change it at any time.
 */
export class DayStarts {
  readonly #database: Database;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #stated: DayStart | 'auto';
  /** The hour unlike the stated one that was warned of. */
  #warnedOf: DayStart | undefined;

  constructor(database: Database, clock: Clock, log: Logger, stated: DayStart | 'auto') {
    this.#database = database;
    this.#clock = clock;
    this.#log = log;
    this.#stated = stated;
  }

  /** Whether the windows of the request start where days are known to start; another plan asks for those that do. */
  async isOnGrid({ granularity, interval }: DataRequest): Promise<boolean> {
    if (granularity !== '1d') return true;
    return dayStartAt(interval.start) === (await readFacts(this.#database)).day_start.value;
  }

  /** Whether the request is about days, and nothing has shown yet when days start. */
  async isUnshown({ granularity }: DataRequest): Promise<boolean> {
    if (granularity !== '1d' || this.#stated !== 'auto') return false;
    return (await readFacts(this.#database)).day_start.found === 'assumed';
  }

  /** @returns whether the answer is about windows where they were asked for */
  async learnFrom({ granularity, interval }: DataRequest, { rows }: Answer): Promise<boolean> {
    if (granularity !== '1d') return true;
    const asked = dayStartAt(interval.start);
    const shown = new Set(rows.map(({ time }) => dayStartAt(time)));
    const [only] = shown;
    if (shown.size !== 1 || only === undefined) return true;
    if (this.#stated !== 'auto') return this.#warn(only);
    await this.#keep(only, rows[0]?.time ?? interval.start);
    return asked === only;
  }

  async #keep(value: DayStart, time: number): Promise<void> {
    const detail = `a 1d window that starts at ${new Date(time).toISOString()}`;
    const now = this.#clock.now();
    const { found, value: before } = (await readFacts(this.#database)).day_start;
    if (before !== value) {
      await keepDayStart(this.#database, { value, found: 'answered', detail }, now);
      this.#log.warn(
        { dayStart: value, before },
        'days start at another hour than was believed: 1d windows are asked for again',
      );
    } else if (found !== 'answered') {
      await storeFact(this.#database, { name: 'day_start', value, found: 'answered', detail }, now);
    }
  }

  /** A setting counts for more than answers; what they bring is stored all the same. */
  #warn(shown: DayStart): boolean {
    if (shown !== this.#stated && this.#warnedOf !== shown) {
      this.#warnedOf = shown;
      this.#log.warn(
        { DAY_START: this.#stated, shown },
        'the API starts its days at another hour than DAY_START',
      );
    }
    return true;
  }
}

/** Some cells of the days before a request. */
export function daysBefore(request: DataRequest): DataRequest {
  const { start } = request.interval;
  const interval = { start: start - 3 * windowLength['1d'], end: start };
  return { ...request, tokens: request.tokens.slice(0, 3), interval };
}
