import {
  bundledCatalogue,
  type Granularity,
  granularities,
  type MetricCode,
  metricCodes,
  metrics,
  type Token,
  windowLength,
} from '../src/catalog/index.ts';
import { type DayStart, type Market, windowFrom } from '../src/simulator/index.ts';
import type { Database } from '../src/store/connection/database.ts';

/**
 * Compares the database cell by cell with what the simulator would answer at an instant. It shares the simulator's
 * generator and calendar, and nothing with the program: no planning, no decoding, no way of storing.
 */

export interface Interval {
  readonly start: number;
  readonly end: number;
}

export interface Difference {
  readonly granularity: Granularity;
  readonly token: string;
  readonly time: string;
  readonly metric: string;
  readonly stored: number | null;
  readonly true: number | null;
}

/** Stands in a difference in a metric's place where a whole row should not be there. */
export const rowNotWanted = 'row not wanted';

export interface Comparison {
  readonly cells: number;
  readonly withValue: number;
  readonly rows: number;
  readonly differences: readonly Difference[];
}

type Values = readonly (number | null)[];

/**
 * The windows that start within a range, by granularity, on the grid of the days that the simulator serves: what is
 * wanted of it, whatever the program takes a day to be.
 */
export function windowsWithin(range: Interval, dayStart: DayStart): ReadonlyMap<Granularity, Interval> {
  return new Map(
    granularities.map((granularity) => [
      granularity,
      {
        start: windowFrom(granularity, range.start, dayStart),
        end: windowFrom(granularity, range.end, dayStart),
      },
    ]),
  );
}

/**
 * @param wanted the windows to compare, by granularity
 * @param asOf the instant of the truth; `undefined`: the final values
 * @param served codes that the API has, those of v1 unless said otherwise; of the others there must be no value
 */
export async function compareWithTruth(
  database: Database,
  market: Market,
  tokens: readonly Token[],
  wanted: ReadonlyMap<Granularity, Interval>,
  asOf: number | undefined,
  served: readonly MetricCode[] = bundledCatalogue.served(bundledCatalogue.codes, 'v1'),
): Promise<Comparison> {
  const comparer = new Comparer(market, asOf, new Set(served));
  for (const granularity of granularities) {
    const interval = wanted.get(granularity);
    if (interval === undefined) continue;
    comparer.compare(granularity, interval, tokens, await readRows(database, granularity));
  }
  return comparer.comparison;
}

/** All rows of a granularity, by the window's start and the token. */
async function readRows(database: Database, granularity: Granularity): Promise<Map<string, Values>> {
  const columns = metrics.map(({ column }) => column);
  const { rows } = await database.pool.query<Record<string, number | null> & { time: Date; token: string }>(
    `select time, token, ${columns.join(', ')} from cryptoracle.metrics_${granularity}`,
  );
  return new Map(
    rows.map((row) => [rowKey(row.time.getTime(), row.token), columns.map((column) => row[column] ?? null)]),
  );
}

const rowKey = (start: number, token: string) => `${start} ${token}`;

class Comparer {
  readonly #market: Market;
  readonly #asOf: number | undefined;
  readonly #served: ReadonlySet<string>;
  readonly #differences: Difference[] = [];
  #cells = 0;
  #withValue = 0;
  #rows = 0;

  constructor(market: Market, asOf: number | undefined, served: ReadonlySet<string>) {
    this.#market = market;
    this.#asOf = asOf;
    this.#served = served;
  }

  get comparison(): Comparison {
    return {
      cells: this.#cells,
      withValue: this.#withValue,
      rows: this.#rows,
      differences: this.#differences,
    };
  }

  /** @param stored is emptied of what was wanted */
  compare(
    granularity: Granularity,
    interval: Interval,
    tokens: readonly string[],
    stored: Map<string, Values>,
  ): void {
    this.#rows += stored.size;
    for (let start = interval.start; start < interval.end; start += windowLength[granularity]) {
      for (const token of tokens) {
        const key = rowKey(start, token);
        this.#compareRow(granularity, token, start, stored.get(key));
        stored.delete(key);
      }
    }
    for (const [key, row] of stored) this.#addUnwanted(granularity, key, row);
  }

  #compareRow(granularity: Granularity, token: string, start: number, row: Values | undefined): void {
    const truth = this.#truthOf(granularity, token, start);
    for (const [position, metric] of metricCodes.entries()) {
      const expected = truth[position] ?? null;
      const actual = row?.[position] ?? null;
      if (this.#served.has(metric)) this.#cells += 1;
      if (expected !== null) this.#withValue += 1;
      if (expected === actual) continue;
      const time = new Date(start).toISOString();
      this.#differences.push({ granularity, token, time, metric, stored: actual, true: expected });
    }
  }

  #truthOf(granularity: Granularity, token: string, start: number): Values {
    const row =
      this.#asOf === undefined
        ? this.#market.row(granularity, token, start)
        : this.#market.rowAsOf(granularity, token, start, this.#asOf);
    return metricCodes.map((code, position) => (this.#served.has(code) ? (row?.[position] ?? null) : null));
  }

  /** The cells left over were stored without being wanted. */
  #addUnwanted(granularity: Granularity, key: string, row: Values): void {
    const [start = '', token = ''] = key.split(' ');
    this.#differences.push({
      granularity,
      token,
      time: new Date(Number(start)).toISOString(),
      metric: rowNotWanted,
      stored: row[0] ?? null,
      true: null,
    });
  }
}
