import {
  bundledTokens,
  type Granularity,
  metricCodes,
  type TagCode,
  tagCodes,
  windowLength,
} from '../../catalog/index.ts';
import type { Instant } from '../../time.ts';
import {
  defaultWireProfile,
  type MetricsQuestion,
  type Question,
  type WireProfile,
} from '../dialects/index.ts';
import { ApiFailure } from '../failure.ts';
import { decodeTokens } from '../token-list.ts';
import { dayStartIn, isWhole, type TagsShape, tagsShapeIn } from './answers.ts';
import type { Probe } from './search.ts';
import { verdictOf } from './verdict.ts';

/** Finds what the API does where its pages leave it open, once it is known how it is dressed. */

/** The outcome of a call. */
export interface Outcome {
  readonly payload?: unknown;
  readonly failure?: ApiFailure;
}

/** Sends one call; `why` is for the trail. @throws what ends the calibration */
export type Ask = (probe: Probe, question: Question, why: string) => Promise<Outcome>;

/** The findings; a field is absent where the answers do not tell. The names are those of the table `facts`. */
export interface FoundFacts {
  readonly record_unit?: 'value' | 'row';
  readonly record_limit?: number;
  readonly day_start?: '08:00' | '00:00';
  readonly empty_tags?: 'accepted' | 'refused';
  readonly tags_shape?: TagsShape;
  readonly token_list?: 'served' | 'not served';
  /** How many tokens the list names. */
  readonly tokens?: number;
}

/** All versions have these. */
const everywhere = ['CO-A-01-03', 'CO-A-02-01', 'CO-A-02-02', 'CO-A-02-03'];
const metrics = metricCodes.filter((code) => everywhere.includes(code));

/** The two tokens that have all granularities (the vendor's later pages). */
const tokens = bundledTokens.map(({ token }) => token).filter((token) => token === 'BTC' || token === 'ETH');

const hour = windowLength['1h'];

interface Asked {
  readonly granularity: Granularity;
  readonly windows: number;
  readonly metrics?: number;
  readonly tokens?: number;
  readonly tags?: readonly TagCode[];
}

/** The newest windows that have surely settled: they end a day ago, where both grids of days agree on the rest. */
function questionAt(now: Instant, asked: Asked): MetricsQuestion {
  const { granularity, windows, tags = [] } = asked;
  const end = Math.floor((now - 24 * hour) / (4 * hour)) * 4 * hour;
  return {
    granularity,
    tokens: tokens.slice(0, asked.tokens ?? 2),
    metrics: metrics.slice(0, asked.metrics ?? 1),
    tags,
    interval: { start: end - windows * windowLength[granularity], end },
  };
}

/** A small question that every version understands; two tokens and a tag, so that it shows how lists are signed. */
export function probingQuestion(now: Instant, { version }: Probe): Question {
  const tags = version === 'v1' ? tagCodes.slice(0, 1) : [];
  return { call: 'endpoint', about: questionAt(now, { granularity: '1h', windows: 2, tags }) };
}

/** Asks one thing after another. @param clock milliseconds since the epoch */
export class FactFinder {
  readonly #ask: Ask;
  readonly #now: Instant;
  #probe: Probe;

  constructor(ask: Ask, now: Instant, probe: Probe) {
    this.#ask = ask;
    this.#now = now;
    this.#probe = probe;
  }

  /** How the API is dressed, with what was learned of empty lists. */
  get probe(): Probe {
    return this.#probe;
  }

  /** @param onFound told of each finding at once: the calls may be spent before all are made */
  async lookFor(onFound: (facts: FoundFacts) => void): Promise<void> {
    onFound(await this.#emptyTags());
    const limit = await this.#limit();
    if (limit !== undefined) {
      onFound({ record_limit: limit });
      const unit = await this.#unit(limit);
      if (unit !== undefined) onFound({ record_unit: unit });
    }
    onFound(await this.#dayAndTags());
    onFound(await this.#tokenList());
  }

  #endpoint(asked: Asked, why: string): Promise<Outcome> {
    return this.#ask(this.#probe, { call: 'endpoint', about: questionAt(this.#now, asked) }, why);
  }

  /** Only v1 calls tags required. */
  async #emptyTags(): Promise<FoundFacts> {
    if (this.#probe.version !== 'v1') return {};
    const { failure } = await this.#endpoint({ granularity: '1h', windows: 2 }, 'no tags');
    const verdict = verdictOf(failure);
    if (verdict === 'granted') return { empty_tags: 'accepted' };
    if (verdict !== 'signature') {
      if (verdict === 'parameters') this.#dress({ tags: 'one' });
      return verdict === 'parameters' ? { empty_tags: 'refused' } : {};
    }
    this.#dress({ emptyLists: 'left out' });
    const again = await this.#endpoint(
      { granularity: '1h', windows: 2 },
      'empty lists left out of what is signed',
    );
    if (verdictOf(again.failure) === 'granted') return { empty_tags: 'accepted' };
    this.#dress({ emptyLists: defaultWireProfile.emptyLists, tags: 'one' });
    return { empty_tags: 'refused' };
  }

  #dress(change: Partial<WireProfile>): void {
    this.#probe = { ...this.#probe, wire: { ...this.#probe.wire, ...change } };
  }

  /** The content of `tags` where none is wanted; it counts as records, too. */
  #filler(): readonly TagCode[] {
    return this.#probe.version === 'v1' && this.#probe.wire.tags === 'one' ? tagCodes.slice(0, 1) : [];
  }

  /**
   * Most records of an answer, whichever way they are counted: as many values as rows are asked for. Below the documented
   * 2,000 it is halved until an answer is whole. Above it nothing is looked for.
   */
  async #limit(): Promise<number | undefined> {
    for (let limit = 2000; limit >= 100; limit = Math.floor(limit / 2)) {
      const tags = this.#filler();
      const windows = limit / 2 - tags.length;
      const asked = { granularity: '15m', windows, tags } as const;
      const { failure, payload } = await this.#endpoint(asked, `${limit} records in one answer`);
      if (failure === undefined && this.#hasAll(payload, asked)) return limit;
      if (failure !== undefined && verdictOf(failure) !== 'parameters') return undefined;
    }
    return undefined;
  }

  /** More values than the limit in fewer rows: whole where rows are counted. */
  async #unit(limit: number): Promise<'value' | 'row' | undefined> {
    const windows = Math.ceil(limit / metrics.length) + 20;
    const asked = {
      granularity: '15m',
      windows,
      tokens: 1,
      metrics: metrics.length,
      tags: this.#filler(),
    } as const;
    const { failure, payload } = await this.#endpoint(asked, 'more values than that, and fewer rows');
    if (failure !== undefined) return verdictOf(failure) === 'parameters' ? 'value' : undefined;
    return this.#hasAll(payload, asked) ? 'row' : 'value';
  }

  #hasAll(payload: unknown, asked: Asked): boolean {
    const { interval, granularity, tokens: named } = questionAt(this.#now, asked);
    return isWhole(payload, named, interval.start, interval.end - windowLength[granularity]);
  }

  async #dayAndTags(): Promise<FoundFacts> {
    const asked = { granularity: '1d', windows: 3, tags: tagCodes.slice(0, 1) } as const;
    const { payload } = await this.#endpoint(asked, 'when a day starts, and what tags look like');
    const dayStart = dayStartIn(payload);
    const shape = tagsShapeIn(payload);
    return {
      ...(dayStart === undefined ? {} : { day_start: dayStart }),
      ...(shape === 'none' ? {} : { tags_shape: shape }),
    };
  }

  async #tokenList(): Promise<FoundFacts> {
    const { failure, payload } = await this.#ask(this.#probe, { call: 'coin/list' }, 'the list of tokens');
    if (failure !== undefined) return { token_list: 'not served' };
    try {
      return { token_list: 'served', tokens: decodeTokens(payload).length };
    } catch (error) {
      if (error instanceof ApiFailure) return { token_list: 'not served' };
      throw error;
    }
  }
}
