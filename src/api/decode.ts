import {
  bundledCatalogue,
  type Catalogue,
  dayStartAt,
  type Granularity,
  isPossible,
  isTagCode,
  isToken,
  type Metric,
  type MetricCode,
  type TagCode,
  type Token,
  windowLength,
} from '../catalog/index.ts';
import type { Instant } from '../time.ts';
import { windowLists } from './dialect.ts';
import { ApiFailure } from './failure.ts';
import { firstText, isStorable, listOf, readNumber, startOf } from './fields.ts';
import { isJson, type Json } from './json.ts';

/** The question, as far as the answer is checked against it. */
export interface Asked {
  readonly granularity: Granularity;
  readonly tokens: readonly Token[];
  readonly metrics: readonly MetricCode[];
  readonly tags: readonly TagCode[];
  /** Half-open, on the grid. */
  readonly interval: { readonly start: Instant; readonly end: Instant };
}

/** Values of one token in one window. */
export interface AnsweredRow {
  readonly token: Token;
  /** Start of the window. */
  readonly time: Instant;
  /** By their metrics' positions in the catalogue; `null` where there is no value. */
  readonly values: (number | null)[];
}

export interface AnsweredTag {
  readonly token: Token;
  readonly tag: TagCode;
  /** Text as it came; JSON where it came as an object or list. */
  readonly value: string;
}

export type RejectReason =
  | 'malformed'
  | 'no finite number'
  | 'more digits than can be kept'
  | 'impossible value'
  | 'unknown metric'
  | 'metric not asked for'
  | 'unknown tag'
  | 'token not asked for'
  | 'window off the grid'
  | 'second value';

/** The parts an answer is made of: a token's entry, in it windows and tags, in a window values. */
export type AnswerPart = 'entry' | 'window' | 'value' | 'tag';

/** Something in an answer that cannot be stored, kept in its raw form. */
export interface Reject {
  readonly reason: RejectReason;
  /** Which part of the answer `raw` is. */
  readonly part: AnswerPart;
  readonly token: string | undefined;
  readonly time: Instant | undefined;
  readonly metric: string | undefined;
  readonly raw: unknown;
}

export interface Answer {
  readonly rows: readonly AnsweredRow[];
  readonly tags: readonly AnsweredTag[];
  readonly rejects: readonly Reject[];
  /** Values and tag values in the answer, whatever became of them. */
  readonly values: number;
  /** Token × window entries in the answer, whatever became of them. */
  readonly windows: number;
  /** How many of the cells asked for the answer does not even mention. */
  readonly absentCells: number;
  /**
   * Token × window entries beside the asked range: the running window comes along now and then. No fault, and dropped.
   */
  readonly windowsBeside: number;
  /** Things that cannot be stored beyond those in `rejects`. */
  readonly moreRejects: number;
}

/** Most things of one answer that are kept for the quarantine; of the others there is a count. */
const mostKept = 1000;

/** Most things of one answer that may not fit: five times the largest RECORD_LIMIT. Beyond it the answer is garbage. */
const mostRejects = 100_000;

/** Longest value of a tag that is stored, in characters. */
const longestTag = 10_000;

/**
 * Reads a decrypted answer: every shape that the API is known to use. Parts that do not fit are rejected one by one,
 * never with their neighbours.
 *
 * @param answer as `parseJson` reads it, so that it is not nested too deep; `null` where the API says that there is nothing
 * @throws ApiFailure (`transient`) where the whole is no list of tokens in any form that is known, or holds more than
 *   100,000 things that do not fit
 */
export function decodeAnswer(answer: unknown, asked: Asked, catalogue: Catalogue = bundledCatalogue): Answer {
  if (answer === null) return new AnswerReader(asked, catalogue).read([]);
  if (!Array.isArray(answer))
    throw new ApiFailure('transient', 'the answer is no list of tokens', { code: 200 });
  return new AnswerReader(asked, catalogue).read(answer);
}

/** A row while it is read: cells that the answer does not mention are `undefined`. */
type AnswerRow = Omit<AnsweredRow, 'values'> & { readonly values: (number | null | undefined)[] };

const finished = ({ token, time, values }: AnswerRow): AnsweredRow => ({
  token,
  time,
  values: values.map((value) => value ?? null),
});

/** A metric that was asked for, and the position of its values in a row. */
type AskedMetric = Pick<Metric, 'code' | 'kind'> & { readonly position: number };

class AnswerReader {
  readonly #asked: Asked;
  readonly #tokens: ReadonlySet<string>;
  readonly #catalogue: Catalogue;
  /** The metrics asked for, by the API's code: one request never asks twice for the same code. */
  readonly #metrics: ReadonlyMap<string, AskedMetric>;
  readonly #endpoints: ReadonlySet<string>;
  readonly #rows = new Map<Token, Map<Instant, AnswerRow>>();
  readonly #tags = new Map<string, AnsweredTag & { readonly time: Instant }>();
  readonly #rejects: Reject[] = [];
  #values = 0;
  #windows = 0;
  #seenCells = 0;
  #windowsBeside = 0;
  #moreRejects = 0;
  /** Entries whose form is known, whatever their content. */
  #understood = 0;

  constructor(asked: Asked, catalogue: Catalogue) {
    this.#asked = asked;
    this.#tokens = new Set(asked.tokens);
    this.#catalogue = catalogue;
    this.#metrics = new Map(
      asked.metrics.map((code) => {
        const { endpoint, kind } = catalogue.metric(code);
        return [endpoint, { code, kind, position: catalogue.position(code) }];
      }),
    );
    this.#endpoints = new Set(catalogue.metrics.map(({ endpoint }) => endpoint));
  }

  read(answer: readonly unknown[]): Answer {
    for (const entry of answer) this.#readToken(entry);
    if (answer.length > 0 && this.#understood === 0) {
      throw new ApiFailure('transient', 'the answer has none of the forms that are known', { code: 200 });
    }
    const { tokens, metrics, interval, granularity } = this.#asked;
    const windows = (interval.end - interval.start) / windowLength[granularity];
    return {
      rows: [...this.#rows.values()].flatMap((rows) => Array.from(rows.values(), finished)),
      tags: Array.from(this.#tags.values(), ({ token, tag, value }) => ({ token, tag, value })),
      rejects: this.#rejects,
      values: this.#values,
      windows: this.#windows,
      absentCells: tokens.length * metrics.length * windows - this.#seenCells,
      windowsBeside: this.#windowsBeside,
      moreRejects: this.#moreRejects,
    };
  }

  #reject(
    reason: RejectReason,
    part: AnswerPart,
    raw: unknown,
    where: { token?: string; time?: Instant; metric?: string } = {},
  ): void {
    if (this.#rejects.length === mostKept) {
      this.#moreRejects++;
      if (this.#moreRejects + mostKept <= mostRejects) return;
      throw new ApiFailure(
        'transient',
        `the answer holds more than ${mostRejects} things that cannot be stored`,
        { code: 200 },
      );
    }
    this.#rejects.push({ reason, part, raw, token: where.token, time: where.time, metric: where.metric });
  }

  #readToken(entry: unknown): void {
    if (!isJson(entry) || typeof entry.token !== 'string') return this.#reject('malformed', 'entry', entry);
    const { token } = entry;
    const windows = windowLists.flatMap((name) => listOf(entry[name]) ?? []);
    if (!isToken(token) || !this.#tokens.has(token)) {
      this.#understood++;
      this.#count(windows);
      return this.#reject('token not asked for', 'entry', entry, { token });
    }
    const given = [...windowLists, 'tags'].filter((name) => name in entry);
    const isTagMap = isJson(entry.tags);
    const broken = given.filter(
      (name) => listOf(entry[name]) === undefined && !(name === 'tags' && isTagMap),
    );
    // An entry without any list speaks of something else: silence about a window is an answer, this is not.
    if (broken.length === given.length) return this.#reject('malformed', 'entry', entry, { token });
    this.#understood++;
    for (const name of broken) this.#reject('malformed', 'entry', { token, [name]: entry[name] }, { token });
    for (const window of windows) this.#readWindow(token, window);
    this.#readTags(token, tagEntries(entry.tags));
  }

  /** Counts the records of entries that are rejected whole: they fill the answer like any other. */
  #count(windows: readonly unknown[]): void {
    this.#windows += windows.length;
    for (const window of windows) {
      if (isJson(window) && Array.isArray(window.data)) this.#values += window.data.length;
    }
  }

  #readWindow(token: Token, window: unknown): void {
    this.#count([window]);
    if (!isJson(window) || !Array.isArray(window.data))
      return this.#reject('malformed', 'window', window, { token });
    const time = startOf(window);
    if (time === undefined) return this.#reject('malformed', 'window', window, { token });
    const { interval, granularity } = this.#asked;
    if (time < interval.start || time >= interval.end) {
      this.#windowsBeside++;
      return;
    }
    // Where a day starts is not known beforehand: 1d windows of either grid are taken.
    const isDay = granularity === '1d' && dayStartAt(time) !== undefined;
    if (!isDay && (time - interval.start) % windowLength[granularity] !== 0) {
      return this.#reject('window off the grid', 'window', window, { token, time });
    }
    let row: AnswerRow | undefined;
    for (const item of window.data) {
      // The row is made for its first value, and looked up once for all of them.
      row = this.#readValue(token, time, item, row);
    }
  }

  /** @returns the row of the window, as soon as there is one */
  #readValue(
    token: Token,
    time: Instant,
    item: unknown,
    known: AnswerRow | undefined,
  ): AnswerRow | undefined {
    if (!isJson(item) || typeof item.endpoint !== 'string') {
      this.#reject('malformed', 'value', item, { token, time });
      return known;
    }
    const { endpoint } = item;
    const metric = this.#metrics.get(endpoint);
    if (metric === undefined) {
      const reason = this.#endpoints.has(endpoint) ? 'metric not asked for' : 'unknown metric';
      this.#reject(reason, 'value', item, { token, time, metric: endpoint });
      return known;
    }
    const row = known ?? this.#row(token, time);
    const reason = this.#enter(row, metric, readNumber(item.value));
    if (reason !== undefined) this.#reject(reason, 'value', item, { token, time, metric: metric.code });
    return row;
  }

  /** Enters a value into its row. @returns why it cannot be stored, if so */
  #enter(
    row: AnswerRow,
    { kind, position }: AskedMetric,
    value: ReturnType<typeof readNumber>,
  ): RejectReason | undefined {
    if (row.values[position] === undefined) {
      row.values[position] = null;
      this.#seenCells++;
    }
    if (typeof value === 'string') return value;
    if (value === null) return undefined;
    if (!isPossible(kind, value)) return 'impossible value';
    const first = row.values[position] ?? null;
    // The first counts; nobody can tell which of two is right.
    if (first !== null && value !== first) return 'second value';
    row.values[position] = value;
    return undefined;
  }

  #row(token: Token, time: Instant): AnswerRow {
    const rows = this.#rows.get(token) ?? new Map<Instant, AnswerRow>();
    let row = rows.get(time);
    if (row === undefined) {
      row = { token, time, values: Array<undefined>(this.#catalogue.metrics.length).fill(undefined) };
      rows.set(time, row);
      this.#rows.set(token, rows);
    }
    return row;
  }

  /**
   * Nobody documents how tags come: as a flat list, as windows like those of the metrics, or as maps from code to value.
   *
   * @param time start of the window that they stand in; the newest counts
   */
  #readTags(token: Token, entries: readonly unknown[], time: Instant = 0): void {
    for (const entry of entries) {
      if (!isJson(entry)) this.#readTag(token, entry, time);
      else if (Array.isArray(entry.data)) this.#readTags(token, entry.data, startOf(entry) ?? time);
      else if (isJson(entry.data)) this.#readTags(token, [entry.data], startOf(entry) ?? time);
      else if (codeOf(entry) === undefined && Object.keys(entry).some(isTagCode)) {
        for (const [tag, value] of Object.entries(entry)) this.#readTag(token, { tag, value }, time);
      } else this.#readTag(token, entry, time);
    }
  }

  #readTag(token: Token, entry: unknown, time: Instant): void {
    this.#values++;
    const tag = isJson(entry) ? codeOf(entry) : undefined;
    if (!isJson(entry) || tag === undefined) return this.#reject('malformed', 'tag', entry, { token });
    if (!isTagCode(tag)) return this.#reject('unknown tag', 'tag', entry, { token, metric: tag });
    const value = entry.value ?? entry.tagValue;
    if (value === undefined || value === null || value === '') return;
    // A tag nobody asked for is the one sent to satisfy an API that refuses an empty list.
    if (!this.#asked.tags.includes(tag)) return;
    const text = typeof value === 'string' ? value : JSON.stringify(value);
    if (!isStorable(text) || text.length > longestTag)
      return this.#reject('malformed', 'tag', entry, { token, metric: tag });
    const key = `${token} ${tag}`;
    const known = this.#tags.get(key);
    if (known === undefined || time > known.time) this.#tags.set(key, { token, tag, value: text, time });
    else if (time === known.time && text !== known.value)
      this.#reject('second value', 'tag', entry, { token, metric: tag });
  }
}

/** Names under which the code of a tag comes. */
const tagNames = ['tag', 'endpoint', 'code', 'tagCode', 'name'] as const;

function codeOf(entry: Json): string | undefined {
  return firstText(entry, tagNames);
}

/** Tags come as a list or as a map; an empty map says that there are none. */
function tagEntries(tags: unknown): readonly unknown[] {
  if (!isJson(tags)) return listOf(tags) ?? [];
  return Object.keys(tags).length === 0 ? [] : [tags];
}
