import { type Granularity, granularities, metricCodes, metrics, type Token } from '../src/catalog/index.ts';
import type { Interval } from '../src/planning/interval.ts';
import { windowStarts } from '../src/planning/windows.ts';
import type { Market } from '../src/simulator/index.ts';
import type { Database } from '../src/store/connection/database.ts';

/** Compares the database cell by cell with what the simulator would answer at an instant. */

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

/**
 * @param wanted the windows to compare, by granularity
 * @param asOf the instant of the truth; `undefined`: the final values
 */
export async function compareWithTruth(
  database: Database,
  market: Market,
  tokens: readonly Token[],
  wanted: ReadonlyMap<Granularity, Interval>,
  asOf: number | undefined,
): Promise<Comparison> {
  const differences: Difference[] = [];
  let cells = 0;
  let withValue = 0;
  let rowCount = 0;
  for (const granularity of granularities) {
    const interval = wanted.get(granularity);
    if (interval === undefined) continue;
    const stored = new Map<string, (number | null)[]>();
    const columns = metrics.map(({ column }) => column).join(', ');
    const { rows: found } = await database.pool.query<
      Record<string, number | null> & { time: Date; token: string }
    >(`select time, token, ${columns} from cryptoracle.metrics_${granularity}`);
    rowCount += found.length;
    for (const row of found) {
      stored.set(
        `${row.time.getTime()} ${row.token}`,
        metrics.map(({ column }) => row[column] ?? null),
      );
    }
    for (const start of windowStarts(granularity, interval)) {
      for (const token of tokens) {
        const truth =
          asOf === undefined
            ? metricCodes.map((code) => market.value(granularity, token, code, start))
            : metricCodes.map((code) => market.valueAsOf(granularity, token, code, start, asOf));
        const row = stored.get(`${start} ${token}`);
        stored.delete(`${start} ${token}`);
        for (const [position, metric] of metricCodes.entries()) {
          cells++;
          const expected = truth[position] ?? null;
          const actual = row?.[position] ?? null;
          if (expected !== null) withValue++;
          if (expected !== actual) {
            const time = new Date(start).toISOString();
            differences.push({ granularity, token, time, metric, stored: actual, true: expected });
          }
        }
      }
    }
    // What is left was stored without being wanted.
    for (const [key, row] of stored) {
      const [time = '', token = ''] = key.split(' ');
      differences.push({
        granularity,
        token,
        time: new Date(Number(time)).toISOString(),
        metric: rowNotWanted,
        stored: row[0] ?? null,
        true: null,
      });
    }
  }
  return { cells, withValue, rows: rowCount, differences };
}
