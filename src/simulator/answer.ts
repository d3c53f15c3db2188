import { formatBeijing } from '../beijing.ts';
import { metricPosition, windowLength } from '../catalog/index.ts';
import { windowAt } from '../planning/windows.ts';
import type { Market, Row } from './market.ts';
import type { Query } from './query.ts';
import { invalid, type JsonObject, Refusal } from './refusal.ts';
import type { Behaviour } from './settings.ts';

export interface Answer {
  /** One object for each token, as the API page describes them. */
  readonly list: readonly JsonObject[];
  /** How many records it holds. */
  readonly records: number;
}

/**
 * Answers a checked request as of the instant `now` (milliseconds since the epoch).
 *
 * @param surplus misbehaviour: puts windows that were not asked for first, so many that at least this number of
 *   asked-for records falls out at the limit without a word
 * @throws Refusal with code 201 above the record limit, or 203 where nothing is published
 */
export function answerQuery(
  query: Query,
  market: Market,
  behaviour: Behaviour,
  now: number,
  surplus?: number,
): Answer {
  const plain = new AnswerBuilder(query, market, behaviour, now).build();
  const hasWindows = plain.list.some((token) => Object(token[behaviour.windowsField]).length > 0);
  if (surplus === undefined || !hasWindows) return plain;
  const perWindow = behaviour.recordUnit === 'row' ? 1 : query.metrics.length;
  const missing = behaviour.recordLimit - plain.records + surplus;
  const foreign = Math.max(1, Math.ceil(missing / perWindow));
  return new AnswerBuilder(query, market, { ...behaviour, overLimit: 'cut' }, now, foreign).build();
}

/** Fills one answer up to the record limit. */
class AnswerBuilder {
  readonly #query: Query;
  readonly #market: Market;
  readonly #behaviour: Behaviour;
  readonly #now: number;
  readonly #windows: readonly number[];
  readonly #positions: readonly number[];
  #foreign: number;
  #records = 0;
  #isFull = false;
  #hasValues = false;

  constructor(query: Query, market: Market, behaviour: Behaviour, now: number, foreign = 0) {
    this.#query = query;
    this.#market = market;
    this.#behaviour = behaviour;
    this.#now = now;
    this.#foreign = foreign;
    this.#windows = closedWindows(query, market.historyStart, behaviour, now);
    this.#positions = query.metrics.map(metricPosition);
  }

  build(): Answer {
    const list: JsonObject[] = [];
    for (const token of this.#query.tokens) {
      const windows = this.#windowsOf(token);
      const tags = this.#tagsOf(token);
      // Of a token that is reached only after the limit, nothing is left.
      if (this.#isFull && windows.length === 0 && tags.length === 0) break;
      list.push(this.#tokenObject(token, windows, tags));
    }
    if (this.#hasValues) return { list, records: this.#records };
    if (this.#behaviour.emptyAnswer === '203') throw new Refusal(203, 'business data missing');
    return { list: this.#query.tokens.map((token) => this.#tokenObject(token, [], [])), records: 0 };
  }

  #tokenObject(token: string, windows: readonly JsonObject[], tags: readonly JsonObject[]): JsonObject {
    const { startTime, endTime, granularity } = this.#query;
    return {
      token,
      startTime,
      endTime,
      timeType: granularity,
      [this.#behaviour.windowsField]: windows,
      tags,
    };
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
    const { granularity, metrics } = this.#query;
    if (metrics.length === 0 || !this.#market.hasGranularity(token, granularity)) return [];
    const windows: JsonObject[] = [];
    for (const start of this.#foreignWindows()) {
      if (this.#isFull) return windows;
      const row = this.#market.row(granularity, token, start) ?? metrics.map(() => 0);
      this.#addWindow(windows, start, row);
    }
    for (const start of this.#windows) {
      if (this.#isFull) return windows;
      this.#addWindow(windows, start, this.#market.rowAsOf(granularity, token, start, this.#now));
    }
    return windows;
  }

  /** The windows right before those asked for; for the first token only. */
  #foreignWindows(): number[] {
    const length = windowLength[this.#query.granularity];
    const first = Math.min(this.#windows.at(0) ?? 0, this.#windows.at(-1) ?? 0);
    const starts = Array.from({ length: this.#foreign }, (_, step) => first - (step + 1) * length);
    this.#foreign = 0;
    return starts;
  }

  #addWindow(windows: JsonObject[], start: number, row: Row | null): void {
    const isByRow = this.#behaviour.recordUnit === 'row';
    if (isByRow && !this.#take()) return;
    if (row !== null) this.#hasValues = true;
    const { noValueAs, valuesAs } = this.#behaviour;
    const data: JsonObject[] = [];
    for (let at = 0; at < this.#positions.length; at += 1) {
      const value = row?.[this.#positions[at] ?? 0];
      if (value === undefined && noValueAs === 'absent') continue;
      if (!isByRow && !this.#take()) break;
      const missing = noValueAs === 'null' ? null : '';
      const written = value === undefined ? missing : valuesAs === 'number' ? value : plainDecimal(value);
      data.push({ endpoint: this.#query.metrics[at], value: written });
    }
    if (data.length > 0 || !this.#isFull) windows.push({ ...this.#times(start), data });
  }

  #times(start: number): { startTime: string; endTime: string } {
    const end = start + windowLength[this.#query.granularity];
    return { startTime: formatBeijing(start), endTime: formatBeijing(end) };
  }

  #tagsOf(token: string): JsonObject[] {
    const { tags, start: from, end } = this.#query;
    if (tags.length === 0) return [];
    if (this.#behaviour.tagsShape === 'flat') {
      return this.#tagData(token, Math.min(Math.max(from, end - 1), this.#now));
    }
    const windows: JsonObject[] = [];
    for (const start of this.#windows) {
      const data = this.#tagData(token, start);
      if (data.length > 0) windows.push({ ...this.#times(start), data });
      if (this.#isFull) break;
    }
    return windows;
  }

  #tagData(token: string, instant: number): JsonObject[] {
    const data: JsonObject[] = [];
    for (const tag of this.#query.tags) {
      const label = this.#market.tagAsOf(token, tag, instant);
      if (label === null) continue;
      // In rows, tags ride along with the token's windows; they count where nothing else does.
      const counts = this.#behaviour.recordUnit === 'value' || this.#query.metrics.length === 0;
      const isNewRecord = this.#behaviour.recordUnit === 'value' || data.length === 0;
      if (counts && isNewRecord && !this.#take()) break;
      this.#hasValues = true;
      const asText = typeof label === 'object' && this.#behaviour.ecosystemAs === 'text';
      data.push({ [this.#behaviour.tagKey]: tag, value: asText ? JSON.stringify(label) : label });
    }
    return data;
  }
}

/** Starts of the windows that start in the range, are closed, and belong to the history; in the answer's order. */
function closedWindows(query: Query, historyStart: number, behaviour: Behaviour, now: number): number[] {
  const length = windowLength[query.granularity];
  const from = Math.max(query.start, historyStart);
  const onGrid = windowAt(query.granularity, from);
  const starts: number[] = [];
  const isInRange = (start: number) =>
    behaviour.rangeEnd === 'inclusive' ? start <= query.end : start < query.end;
  for (let start = onGrid < from ? onGrid + length : onGrid; isInRange(start); start += length) {
    if (start + length > now) break;
    starts.push(start);
  }
  return behaviour.order === 'newest' ? starts.reverse() : starts;
}

/** A number without an exponent, however small. */
function plainDecimal(value: number): string {
  const text = String(value);
  return text.includes('e') ? value.toFixed(8) : text;
}
