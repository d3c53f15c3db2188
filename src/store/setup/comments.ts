import { getTableName } from 'drizzle-orm';
import pg from 'pg';
import { type Catalogue, type Granularity, granularities, type Metric } from '../../catalog/index.ts';
import { describedTables, metricTables } from '../schema/index.ts';

/** What `\d+` tells a person about each table and column. */

interface TableComment {
  readonly table: string;
  readonly columns: Readonly<Record<string, string>>;
}

const windowNames: Readonly<Record<Granularity, string>> = {
  '15m': '15 minutes',
  '1h': 'one hour',
  '4h': 'four hours',
  '1d': 'one day of the API (from 08:00 or from 00:00 in Beijing: see the fact day_start)',
};

/** What a column that holds the metric is told to be: unit, range, and what may be computed from it. */
export function describeMetric(metric: Metric): string {
  const bounds =
    metric.minimum === null && metric.maximum === null
      ? ''
      : ` Range: ${metric.minimum ?? '-∞'} to ${metric.maximum ?? '∞'}.`;
  const unit = metric.unit === '1' ? 'a number without unit' : metric.unit;
  const sum = metric.summable ? 'may be summed' : 'not to be summed';
  const mean = metric.averageable ? 'may be averaged' : 'not to be averaged plainly';
  return (
    `${metric.meaning}. Unit: ${unit}.${bounds} Over windows: ${sum}, ${mean}. ${metric.acrossWindows}. ` +
    `API code ${metric.code}. NULL: the API gave no value.`
  );
}

export const seenLaterMeaning =
  'Metrics whose first value came after the row was first stored: column and instant of storing, as {"net_sentiment": "2026-03-01 12:00:00+00"}; NULL where all came with the row, as most do';

function describeMetricTable(granularity: Granularity, { metrics }: Catalogue): TableComment {
  return {
    table: `Sentiment metrics in windows of ${windowNames[granularity]}, one row for each token and window`,
    columns: {
      time: `Start of the window, which lasts ${windowNames[granularity]}`,
      token: 'Ticker of the token, see tokens',
      ...Object.fromEntries(metrics.map((metric) => [metric.column, describeMetric(metric)])),
      first_seen_at: 'When the first value of the row was stored',
      seen_later: seenLaterMeaning,
      updated_at: 'When a value of the row last changed',
      backfilled:
        'True where the row was loaded as history, more than LOOKBACK_WINDOWS + 1 (by default 5) windows after it was due: first_seen_at then tells when it was loaded, not when the market could know',
    },
  };
}

/** Drizzle makes this table itself. */
const drizzles: TableComment = {
  table: 'Changes of this schema that were made; a note of the program',
  columns: {
    id: 'Number of the change',
    hash: 'Digest of its SQL',
    created_at:
      'When the change was written, in milliseconds since 1970 (UTC); the newest tells how new the schema is',
  },
};

/** Statements that comment every table and column of the schema. */
export function commentStatements(catalogue: Catalogue): string {
  return [
    ...describedTables.flatMap(({ name, comment, columns }) =>
      statementsFor(name, { table: comment, columns }),
    ),
    ...granularities.flatMap((granularity) =>
      statementsFor(getTableName(metricTables[granularity]), describeMetricTable(granularity, catalogue)),
    ),
    ...statementsFor('migrations', drizzles),
  ].join(';\n');
}

function statementsFor(name: string, comment: TableComment): string[] {
  const ofColumns = Object.entries(comment.columns).map(
    ([column, text]) => `comment on column cryptoracle."${name}"."${column}" is ${pg.escapeLiteral(text)}`,
  );
  return [`comment on table cryptoracle."${name}" is ${pg.escapeLiteral(comment.table)}`, ...ofColumns];
}
