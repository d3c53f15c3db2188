import type { Values } from '../../server/api/types.ts';

/** Turns rows as the API gives them into columns as a chart takes them; pure. */

export interface Series {
  readonly name: string;
  readonly values: readonly (number | null)[];
}

export interface Columns {
  /** Milliseconds since the epoch, ascending, with every window in between that any token lacks. */
  readonly times: readonly number[];
  /** For each metric a series for each token. */
  readonly series: ReadonlyMap<string, readonly Series[]>;
}

/** The column that says whether the pipeline is done with a window. */
export const finalColumn = 'is_final';

/** @param isIndexed whether each series is shown against its first value, which is 100 */
export function inColumns(values: Values, tokens: readonly string[], isIndexed: boolean): Columns {
  const metrics = values.columns.slice(2).filter((name) => name !== finalColumn);
  const cells = new Map<string, Values['rows'][number]>();
  const found = new Set<number>();
  for (const row of values.rows) {
    const time = Date.parse(String(row[0]));
    found.add(time);
    cells.set(`${time} ${row[1]}`, row);
  }
  const times = withGaps([...found].sort((a, b) => a - b));
  const series = new Map(
    metrics.map((metric, index) => {
      const ofMetric = tokens.map((name) => {
        const line = times.map((time) => {
          const cell = cells.get(`${time} ${name}`)?.[index + 2];
          return typeof cell === 'number' ? cell : null;
        });
        return { name, values: isIndexed ? indexed(line) : line };
      });
      return [metric, ofMetric] as const;
    }),
  );
  return { times, series };
}

/** Puts a time into every hole, so that a line breaks there. */
function withGaps(times: readonly number[]): number[] {
  const steps = times.slice(1).map((time, index) => time - (times[index] ?? time));
  const step = Math.min(...steps);
  return times.flatMap((time, index) => {
    const previous = times[index - 1];
    return previous !== undefined && time - previous > step ? [previous + step, time] : [time];
  });
}

function indexed(line: readonly (number | null)[]): (number | null)[] {
  const first = line.find((value) => value !== null && value !== 0);
  return line.map((value) => (value === null || first == null ? null : (value / first) * 100));
}
