import {
  bundledCatalogue,
  bundledTokens,
  type Catalogue,
  type Granularity,
  type ListedToken,
  type MetricCode,
  type TagCode,
  windowLength,
} from '../catalog/index.ts';
import { Activity } from './activity.ts';
import { type Coverage, granularitiesOf } from './coverage.ts';
import { isWindowStart } from './grid.ts';
import { hash, hashText, uniform } from './hash.ts';
import { inventedValue } from './invented.ts';
import { Labels, type TagValue } from './labels.ts';
import { type Cell, Publication } from './publication.ts';
import { CrossSections, type Served } from './sections.ts';
import { sentimentAt } from './sentiment.ts';
import { type Series, SeriesBook } from './series.ts';

export interface MarketOptions {
  /** Another seed is another market; the same seed always gives the same one. */
  readonly seed?: number;
  /** Most popular first; the bundled list where none is given. */
  readonly tokens?: readonly ListedToken[];
  /** The metrics that there are; the bundled ones where none is given. */
  readonly catalogue?: Catalogue;
  /** Where the history begins, in milliseconds since the epoch; 2025-01-01 00:00 in Beijing by default. */
  readonly historyStart?: number;
  /** Share of the rows (token × window) that appear 20 minutes to 3 hours after the close; 0.005 by default. */
  readonly lateShare?: number;
  /** Share of the values that change once, 30 minutes to 6 hours after the close; 0.003 by default. */
  readonly changedShare?: number;
  /** Whether values of the newest window are preliminary for some minutes, as the API's are; `true` by default. */
  readonly provisional?: boolean;
  /** Which tokens have which granularities; `wide` by default. */
  readonly coverage?: Coverage;
  /** For `wide`: how many tokens from the top of the list have every granularity; 60 by default. */
  readonly completeTokens?: number;
  /** Tokens that have values only in windows that start from an instant on, or before one. */
  readonly lifetimes?: Readonly<Record<string, Lifetime>>;
  /** Cross-sections kept in memory for each granularity; changes the speed only. */
  readonly keptWindows?: number;
}

export interface Lifetime {
  readonly from?: number;
  readonly until?: number;
}

/** One value for each metric, in the catalogue's order. */
export type Row = readonly number[];

interface Listing {
  readonly token: string;
  readonly index: number;
  readonly key: number;
  readonly granularities: ReadonlySet<Granularity>;
  readonly from: number;
  readonly until: number;
  readonly labels: Labels;
  /** Share of mentions by new voices and of voices by new communities. */
  readonly usersPerMention: number;
  readonly communitiesPerUser: number;
}

/** The longest that a value may stay unpublished or preliminary after its window's close. */
const finalAfter = 6 * 3_600_000;

/** 2025-01-01 00:00 in Beijing. */
export const firstWindow = Date.UTC(2024, 11, 31, 16);

/**
 * The truth behind the simulator: what is said about every token in every window since the history began, and when
 * the API tells it. Each cell is computed from the seed alone. All instants are milliseconds since the epoch;
 * a window is named by its start.
 *
 * Choices the API page leaves open: ranks and shares are among the tokens that have the granularity; a rank change
 * is the previous window's rank minus this one's, so positive means climbed, and 0 in the first window of the
 * history; a window in which nobody mentions a token has sentiment 0. There are 1d windows from either hour at which a
 * day may start: which of them the API answers is how it behaves, not what is true.
 */
export class Market {
  readonly tokens: readonly ListedToken[];
  readonly historyStart: number;
  readonly catalogue: Catalogue;
  readonly series: SeriesBook;
  readonly #listings: ReadonlyMap<string, Listing>;
  readonly #activity: Activity;
  readonly #sections: CrossSections;
  readonly #publication: Publication;
  #last: { readonly at: string; readonly values: Modelled } | undefined;

  constructor(options: MarketOptions = {}) {
    const { seed = 1, keptWindows = 4_096 } = options;
    this.tokens = options.tokens ?? bundledTokens;
    this.historyStart = options.historyStart ?? firstWindow;
    this.catalogue = options.catalogue ?? bundledCatalogue;
    this.series = new SeriesBook(this.catalogue);
    this.#activity = new Activity(
      seed,
      this.tokens.map(({ token }) => token),
    );
    const listings = this.tokens.map(({ token }, index) => listing(seed, token, index, options));
    this.#listings = new Map(listings.map((listed) => [listed.token, listed]));
    const servedIn = (granularity: Granularity) =>
      listings.map((listed) => listed.granularities.has(granularity));
    const served: Served = {
      '15m': servedIn('15m'),
      '1h': servedIn('1h'),
      '4h': servedIn('4h'),
      '1d': servedIn('1d'),
    };
    this.#sections = new CrossSections(this.#activity, served, keptWindows);
    this.#publication = new Publication({
      lateShare: options.lateShare ?? 0.005,
      changedShare: options.changedShare ?? 0.003,
      provisional: options.provisional ?? true,
    });
  }

  knows(token: string): boolean {
    return this.#listings.has(token);
  }

  hasGranularity(token: string, granularity: Granularity): boolean {
    return this.#listings.get(token)?.granularities.has(granularity) ?? false;
  }

  /** The final value; `null` where there is none: unknown token, no such granularity, no window, before the history. */
  value(granularity: Granularity, token: string, metric: MetricCode, windowStart: number): number | null {
    return this.values(granularity, token, [this.series.ofCode(metric)], windowStart)?.[0] ?? null;
  }

  /** What the API answers at the instant `now`; `null` also where nothing is published yet. */
  valueAsOf(
    granularity: Granularity,
    token: string,
    metric: MetricCode,
    windowStart: number,
    now: number,
  ): number | null {
    return this.valuesAsOf(granularity, token, [this.series.ofCode(metric)], windowStart, now)?.[0] ?? null;
  }

  /** The final values of all metrics of the catalogue; `null` as in {@link value}. */
  row(granularity: Granularity, token: string, windowStart: number): Row | null {
    return this.values(granularity, token, this.series.listed, windowStart);
  }

  /** The same as the API answers them at the instant `now`; `null` as in {@link valueAsOf}. */
  rowAsOf(granularity: Granularity, token: string, windowStart: number, now: number): Row | null {
    return this.valuesAsOf(granularity, token, this.series.listed, windowStart, now);
  }

  /** The final values of any series, in their order; `null` as in {@link value}. */
  values(
    granularity: Granularity,
    token: string,
    series: readonly Series[],
    windowStart: number,
  ): number[] | null {
    const listed = this.#find(granularity, token, windowStart);
    if (listed === undefined) return null;
    const at = `${granularity} ${listed.index} ${windowStart}`;
    if (this.#last?.at !== at) this.#last = { at, values: this.#model(listed, granularity, windowStart) };
    const modelled = this.#last.values;
    const middle = windowStart + windowLength[granularity] / 2;
    return series.map((each) => {
      // A parameter makes another series of a metric, of which there is no model.
      const known = each.params === '' ? modelled[each.endpoint] : undefined;
      return known ?? inventedValue(each.kind, each.endpoint, hash(listed.key, each.key), middle);
    });
  }

  /** The values of any series as the API answers them at the instant `now`; `null` as in {@link valueAsOf}. */
  valuesAsOf(
    granularity: Granularity,
    token: string,
    series: readonly Series[],
    windowStart: number,
    now: number,
  ): number[] | null {
    const listed = this.#find(granularity, token, windowStart);
    const close = windowStart + windowLength[granularity];
    if (listed === undefined || now < close) return null;
    if (now < close + finalAfter) {
      if (now < this.#publication.publishedAt(listed.key, granularity, windowStart)) return null;
    }
    const final = this.values(granularity, token, series, windowStart);
    if (final === null || now >= close + finalAfter) return final;
    return final.map((value, position) => {
      const cell = cellOf(listed, granularity, windowStart, series[position]);
      const finalAt = this.#publication.finalAt(cell);
      return finalAt === null || now >= finalAt ? value : this.#publication.preliminary(cell, value);
    });
  }

  /** What the API says of a window that is still open, where it answers that at all; `null` as in {@link value}. */
  runningValues(
    granularity: Granularity,
    token: string,
    series: readonly Series[],
    windowStart: number,
  ): number[] | null {
    const listed = this.#find(granularity, token, windowStart);
    const final = this.values(granularity, token, series, windowStart);
    if (listed === undefined || final === null) return null;
    return final.map((value, position) =>
      this.#publication.preliminary(cellOf(listed, granularity, windowStart, series[position]), value),
    );
  }

  /** When the window's values appear; `null` where there are none. */
  publishedAt(granularity: Granularity, token: string, windowStart: number): number | null {
    const listed = this.#find(granularity, token, windowStart);
    return listed === undefined ? null : this.#publication.publishedAt(listed.key, granularity, windowStart);
  }

  /** When the value becomes final after having been preliminary; `null` where it is final from the start. */
  changedAt(granularity: Granularity, token: string, metric: MetricCode, windowStart: number): number | null {
    const listed = this.#find(granularity, token, windowStart);
    if (listed === undefined) return null;
    const finalAt = this.#publication.finalAt(
      cellOf(listed, granularity, windowStart, this.series.ofCode(metric)),
    );
    // A row that comes late may be final by then: nobody ever sees its preliminary value.
    const published = this.#publication.publishedAt(listed.key, granularity, windowStart);
    return finalAt !== null && finalAt > published ? finalAt : null;
  }

  /** The label on the Beijing day that holds the instant; `null` for an unknown token and before the history. */
  tagAsOf(token: string, tag: TagCode, beijingDayStart: number): TagValue | null {
    if (beijingDayStart < this.historyStart) return null;
    return this.#listings.get(token)?.labels.at(tag, beijingDayStart) ?? null;
  }

  #find(granularity: Granularity, token: string, windowStart: number): Listing | undefined {
    if (windowStart < this.historyStart || !isWindowStart(granularity, windowStart)) return undefined;
    const listed = this.#listings.get(token);
    if (listed?.granularities.has(granularity) !== true) return undefined;
    return windowStart >= listed.from && windowStart < listed.until ? listed : undefined;
  }

  /** The values of the metrics that depend on each other. */
  #model(listed: Listing, granularity: Granularity, windowStart: number): Modelled {
    const { index } = listed;
    const section = this.#sections.at(granularity, windowStart);
    const mentions = section.mentions[index] ?? 0;
    const rank = section.ranks()[index] ?? 0;
    const previousStart = windowStart - windowLength[granularity];
    const previousRank =
      previousStart < this.historyStart
        ? rank
        : (this.#sections.at(granularity, previousStart).ranks()[index] ?? 0);
    // Concave and rounded up: a day's users are at least each of its hours' and at most their sum.
    const users = Math.ceil(listed.usersPerMention * mentions ** 0.88);
    const communities = Math.ceil(listed.communitiesPerUser * users ** 0.62);
    const middle = windowStart + windowLength[granularity] / 2;
    const sentiment = sentimentAt(listed.key, middle, mentions, this.#activity.mood(index, middle));
    return {
      'CO-A-01-01': rank,
      'CO-A-01-02': previousRank - rank,
      'CO-A-01-03': section.messages[index] ?? 0,
      'CO-A-01-04': section.interactions[index] ?? 0,
      'CO-A-01-05': mentions,
      'CO-A-01-07': users,
      'CO-A-01-08': communities,
      'CO-A-01-09': section.total === 0 ? 0 : Math.round((1e8 * mentions) / section.total) / 1e8,
      'CO-A-02-01': sentiment.positive / 1e4,
      'CO-A-02-02': sentiment.negative / 1e4,
      'CO-A-02-03': (sentiment.positive - sentiment.negative) / 1e4,
      'CO-A-02-04': sentiment.extreme / 1e4,
      'CO-A-02-05': sentiment.consensus / 1e4,
    };
  }
}

/** Values by the API's code. */
type Modelled = Readonly<Record<string, number>>;

function cellOf(
  { key }: Listing,
  granularity: Granularity,
  windowStart: number,
  series: Series | undefined,
): Cell {
  if (series === undefined) throw new RangeError('a value of no series');
  return { key, granularity, windowStart, series };
}

function listing(seed: number, token: string, index: number, options: MarketOptions): Listing {
  const { coverage = 'wide', completeTokens = 60, lifetimes = {} } = options;
  const key = hashText(seed, token);
  return {
    token,
    index,
    key,
    granularities: granularitiesOf(coverage, token, index, key, completeTokens),
    from: lifetimes[token]?.from ?? Number.NEGATIVE_INFINITY,
    until: lifetimes[token]?.until ?? Number.POSITIVE_INFINITY,
    labels: new Labels(token, key, index),
    usersPerMention: 0.6 + 0.4 * uniform(hash(key, 402)),
    communitiesPerUser: 0.5 + 0.5 * uniform(hash(key, 403)),
  };
}
