import type { Logger } from 'pino';
import type { Answer } from '../api/decode.ts';
import { formatBeijing } from '../beijing.ts';
import type { Granularity } from '../catalog/index.ts';
import type { Lane } from '../planning/lanes.ts';
import type { DataRequest } from '../planning/request.ts';

/** Some tokens have no fine windows at all; that so many have nothing at once means that the data are not there yet. */
const tokensThatSpeak = 20;

const hour = 3_600_000;

/** Says what is odd about answers: what repeats itself with every answer, once in the life of a process. */
export class Reporter {
  readonly #log: Logger;
  readonly #told = new Set<string>();
  readonly #doubtedAt = new Map<Granularity, number>();

  constructor(log: Logger) {
    this.#log = log;
  }

  cutShort(answer: Answer): void {
    this.#once('cut-short', { records: answer.values }, 'answers are cut short: asking again in parts');
  }

  stored(request: DataRequest, lane: Lane, answer: Answer): void {
    const { granularity, interval, tokens } = request;
    for (const { reason } of answer.rejects) {
      this.#once(reason, { reason, granularity }, 'answers hold what cannot be stored: see quarantine');
    }
    if (answer.windowsBeside > 0) {
      const facts = { granularity, windows: answer.windowsBeside };
      this.#once('beside', facts, 'windows beside the asked range come along: they are dropped and counted');
    }
    if (answer.moreRejects > 0) {
      this.#log.warn(
        { granularity, kept: answer.rejects.length, dropped: answer.moreRejects },
        'an answer held more that cannot be stored than is kept of one: the rest was counted',
      );
    }
    if (lane !== 'live' || request.metrics.length === 0 || tokens.length < tokensThatSpeak) return;
    if (answer.rows.some((row) => row.values.some((value) => value !== null))) return;
    this.#log.warn(
      { granularity, window: formatBeijing(interval.start), tokens: tokens.length },
      'windows were due, but nothing came',
    );
  }

  /** Said once an hour for a granularity: an outage answers like that for everything. */
  doubted({ granularity, interval, tokens }: DataRequest, now: number): void {
    const told = this.#doubtedAt.get(granularity);
    if (told !== undefined && now - told < hour && told <= now) return;
    this.#doubtedAt.set(granularity, now);
    this.#log.warn(
      { granularity, windows: formatBeijing(interval.start), tokens: tokens.length },
      'nothing came where something is to be expected: asked for again before it is believed; see status',
    );
  }

  #once(what: string, facts: object, message: string): void {
    if (this.#told.has(what)) return;
    this.#told.add(what);
    this.#log.warn(facts, message);
  }
}
