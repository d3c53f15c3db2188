import { windowLength } from '../catalog/index.ts';
import type { Behaviour } from './behaviour.ts';
import type { Market } from './market.ts';
import type { Query } from './query.ts';
import { invalid, type JsonObject, Refusal } from './refusal.ts';
import { shapeTags, type TagItem } from './tags.ts';
import { closedWindows, runningWindow, windowTimes } from './windows.ts';

export interface Answer {
  /**
   * One object for each token, as the API page describes them; `null` or `undefined` where that stands for "nothing
   * there".
   */
  readonly payload: readonly JsonObject[] | null | undefined;
  /** How many records it holds. */
  readonly records: number;
}

/** What an answer depends on beside the question. */
export interface Circumstances {
  readonly market: Market;
  readonly behaviour: Behaviour;
  /** The instant of the answer, in milliseconds since the epoch. */
  readonly now: number;
  /** A number in [0, 1), by which what happens now and then happens. */
  readonly chance: number;
}

/**
 * Answers a checked request.
 *
 * @param surplus misbehaviour: puts windows that were not asked for first, so many that at least this number of
 *   asked-for records falls out at the limit without a word
 * @throws Refusal with code 201 above the record limit, or 203 where nothing is published
 */
export function answerQuery(query: Query, circumstances: Circumstances, surplus?: number): Answer {
  const plain = new AnswerBuilder(query, circumstances).build();
  const { behaviour } = circumstances;
  const hasWindows = (plain.payload ?? []).some((token) => Object(token[behaviour.windowsField]).length > 0);
  if (surplus === undefined || !hasWindows) return plain;
  const perWindow = behaviour.recordUnit === 'row' ? 1 : query.series.length;
  const missing = behaviour.recordLimit - plain.records + surplus;
  const foreign = Math.max(1, Math.ceil(missing / perWindow));
  const cutting = { ...circumstances, behaviour: { ...behaviour, overLimit: 'cut' as const } };
  return new AnswerBuilder(query, cutting, foreign).build();
}

/** What is answered where nothing that was asked for is published. */
export function emptyAnswer(query: Query, { emptyAnswer: form, windowsField }: Behaviour): Answer {
  switch (form) {
    case '203':
      throw new Refusal(203, 'business data missing');
    case 'null':
      return { payload: null, records: 0 };
    case 'absent':
      return { payload: undefined, records: 0 };
    case 'nothing':
      return { payload: [], records: 0 };
    case 'list':
      return {
        payload: query.tokens.map((token) => tokenObject(query, token, windowsField, [], [])),
        records: 0,
      };
  }
}

function tokenObject(
  { startTime, endTime, granularity, asksForTags }: Query,
  token: string,
  windowsField: string,
  windows: readonly JsonObject[],
  tags: unknown,
): JsonObject {
  const own = { token, startTime, endTime, timeType: granularity, [windowsField]: windows };
  return asksForTags ? { ...own, tags } : own;
}

/** Fills one answer up to the record limit. */
class AnswerBuilder {
  readonly #query: Query;
  readonly #market: Market;
  readonly #behaviour: Behaviour;
  readonly #now: number;
  readonly #windows: readonly number[];
  readonly #running: number | null;
  #foreign: number;
  #records = 0;
  #isFull = false;
  #hasValues = false;

  constructor(query: Query, { market, behaviour, now, chance }: Circumstances, foreign = 0) {
    this.#query = query;
    this.#market = market;
    this.#behaviour = behaviour;
    this.#now = now;
    this.#foreign = foreign;
    this.#windows = closedWindows(query, market.historyStart, behaviour, now);
    this.#running = chance < behaviour.runningWindow ? runningWindow(query, behaviour, now) : null;
  }

  build(): Answer {
    const list: JsonObject[] = [];
    const { windowsField, lackingTokens } = this.#behaviour;
    for (const token of this.#query.tokens) {
      const windows = this.#windowsOf(token);
      const tags = this.#tagsOf(token);
      const isEmpty = windows.length === 0 && tags.length === 0;
      // Of a token that is reached only after the limit, nothing is left.
      if (this.#isFull && isEmpty) break;
      if (isEmpty && lackingTokens === 'absent') continue;
      list.push(tokenObject(this.#query, token, windowsField, windows, shapeTags(tags, this.#behaviour)));
    }
    if (this.#hasValues) return { payload: list, records: this.#records };
    return emptyAnswer(this.#query, this.#behaviour);
  }

  /** Whether one more record fits. */
  #take(): boolean {
    if (this.#records < this.#behaviour.recordLimit) {
      this.#records += 1;
      return true;
    }
    if (this.#behaviour.overLimit === 'error') {
      throw invalid(`more than ${this.#behaviour.recordLimit} records in one request`);
    }
    this.#isFull = true;
    return false;
  }

  #windowsOf(token: string): JsonObject[] {
    const { granularity, series } = this.#query;
    if (series.length === 0 || !this.#market.hasGranularity(token, granularity)) return [];
    const windows: JsonObject[] = [];
    for (const start of this.#foreignWindows()) {
      if (this.#isFull) return windows;
      const values = this.#market.values(granularity, token, series, start) ?? series.map(() => 0);
      this.#addWindow(windows, start, values);
    }
    for (const start of this.#windows) {
      if (this.#isFull) return windows;
      this.#addWindow(windows, start, this.#market.valuesAsOf(granularity, token, series, start, this.#now));
    }
    return this.#withRunning(windows, token);
  }

  /** The windows right before those asked for; for the first token only. */
  #foreignWindows(): number[] {
    const length = windowLength[this.#query.granularity];
    const first = Math.min(this.#windows.at(0) ?? 0, this.#windows.at(-1) ?? 0);
    const starts = Array.from({ length: this.#foreign }, (_, step) => first - (step + 1) * length);
    this.#foreign = 0;
    return starts;
  }

  #addWindow(windows: JsonObject[], start: number, values: readonly number[] | null): void {
    const isByRow = this.#behaviour.recordUnit === 'row';
    if (isByRow && !this.#take()) return;
    if (values !== null) this.#hasValues = true;
    const data: JsonObject[] = [];
    for (const [position, { endpoint }] of this.#query.series.entries()) {
      const value = values?.[position];
      if (value === undefined && this.#behaviour.noValueAs === 'absent') continue;
      if (!isByRow && !this.#take()) break;
      data.push({ endpoint, value: this.#written(value) });
    }
    if (data.length > 0 || !this.#isFull) {
      windows.push({ ...windowTimes(this.#query, this.#behaviour, start), data });
    }
  }

  /** The window that is open comes along beside those asked for, and counts as nothing. */
  #withRunning(windows: JsonObject[], token: string): JsonObject[] {
    const start = this.#running;
    const { granularity, series } = this.#query;
    const values = start === null ? null : this.#market.runningValues(granularity, token, series, start);
    if (start === null || values === null) return windows;
    const data = series.map(({ endpoint }, at) => ({ endpoint, value: this.#written(values[at]) }));
    const running = { ...windowTimes(this.#query, this.#behaviour, start), data };
    return this.#behaviour.order === 'newest' ? [running, ...windows] : [...windows, running];
  }

  #written(value: number | undefined): string | number | null {
    const { noValueAs, valuesAs } = this.#behaviour;
    if (value === undefined) return noValueAs === 'null' ? null : '';
    return valuesAs === 'number' ? value : plainDecimal(value);
  }

  /** The token's tags, by window where they come in windows. */
  #tagsOf(token: string): TagItem[] {
    const { tags, start: from, end } = this.#query;
    if (tags.length === 0) return [];
    if (this.#behaviour.tagsShape !== 'windows') {
      return this.#tagItems(token, Math.min(Math.max(from, end - 1), this.#now));
    }
    const items: TagItem[] = [];
    for (const start of this.#windows) {
      const times = windowTimes(this.#query, this.#behaviour, start);
      items.push(...this.#tagItems(token, start).map((item) => ({ ...item, window: times })));
      if (this.#isFull) break;
    }
    return items;
  }

  #tagItems(token: string, instant: number): TagItem[] {
    const items: TagItem[] = [];
    for (const tag of this.#query.tags) {
      const label = this.#market.tagAsOf(token, tag, instant);
      if (label === null) continue;
      // In rows, tags ride along with the token's windows; they count where nothing else does.
      const counts = this.#behaviour.recordUnit === 'value' || this.#query.series.length === 0;
      const isNewRecord = this.#behaviour.recordUnit === 'value' || items.length === 0;
      if (counts && isNewRecord && !this.#take()) break;
      this.#hasValues = true;
      items.push({ tag, label });
    }
    return items;
  }
}

/** A number without an exponent, however small. */
function plainDecimal(value: number): string {
  const text = String(value);
  return text.includes('e') ? value.toFixed(8) : text;
}
