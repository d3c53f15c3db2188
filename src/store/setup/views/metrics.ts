import pg from 'pg';
import { type Catalogue, type Granularity, granularities } from '../../../catalog/index.ts';
import { isFinal } from '../../schema/final.ts';
import { windowLengths } from '../../schema/sql.ts';
import { describeMetric, seenLaterMeaning } from '../comments.ts';
import { eachGranularity, quoted, type View } from './view.ts';

/** The values, as rows of windows and as rows of single values, and the newest of them. */

const windowColumns = {
  granularity: 'Length of the window: 15m, 1h, 4h or 1d. Always name it: windows of several lengths overlap',
  time: 'Start of the window. 1d windows start with the day of the API, at 00:00 or 16:00 UTC: see the fact day_start',
  window_end: 'End of the window, not included; the value can be known some 15 minutes later',
  token: 'Ticker of the token, see tokens',
};

const finalMeaning =
  'True where the pipeline does not ask for the window again by itself: past the look-back (LOOKBACK_WINDOWS) and past the three days for which empty answers are asked for again. Until then values may change or come late';

const rowColumns = ({ metrics }: Catalogue) => ({
  ...windowColumns,
  first_seen_at: 'When the first value of the row was stored',
  updated_at: 'When a value of the row last changed',
  backfilled:
    'True where the row was loaded as history, by default more than 5 windows after it was due: first_seen_at then says nothing about when it could be known',
  is_final: finalMeaning,
  seen_later: seenLaterMeaning,
  ...Object.fromEntries(metrics.map((metric) => [metric.column, describeMetric(metric)])),
});

/** The columns of a row of the table under the alias `m`. */
function selectRow(granularity: Granularity, { metrics }: Catalogue): string {
  const columns = ['first_seen_at', 'updated_at', 'backfilled']
    .map((column) => `m.${column}`)
    .concat(`${isFinal(granularity, 'm."time"')} as is_final`, 'm.seen_later')
    .concat(metrics.map(({ column }) => `m.${column}`));
  return `select '${granularity}'::text as granularity, m."time", m."time" + ${windowLengths[granularity]} as window_end,
  m.token, ${columns.join(', ')}`;
}

const allMetrics = (catalogue: Catalogue): View => ({
  name: 'metrics',
  comment:
    'All values of all granularities, a row for each granularity, token and window. The place to start: where granularity = … and token = … and time >= …',
  columns: rowColumns(catalogue),
  query: eachGranularity(
    (granularity) => `${selectRow(granularity, catalogue)}\nfrom cryptoracle.metrics_${granularity} as m`,
  ),
});

// A query for each metric, not one that unfolds rows: a condition on the metric then reads no other column, which
// counts where columns are compressed by themselves.
const metricsLong = ({ metrics }: Catalogue): View => ({
  name: 'metrics_long',
  comment:
    'All values, one row for each of them, for tools that want a metric as a variable. A value that the API did not give has no row',
  columns: {
    ...windowColumns,
    code: 'API code of the metric',
    metric: 'Name of the metric, which is its column in metrics; see metric_catalog',
    value: 'The value, in the unit of the metric; never NULL',
    is_final: finalMeaning,
  },
  query: eachGranularity((granularity) =>
    metrics
      .map(
        ({ code, column }) =>
          `select '${granularity}'::text as granularity, "time", "time" + ${windowLengths[granularity]} as window_end, token,
  ${pg.escapeLiteral(code)}::text as code, '${column}'::text as metric, ${column} as value,
  ${isFinal(granularity, '"time"')} as is_final
from cryptoracle.metrics_${granularity}
where ${column} is not null`,
      )
      .join('\nunion all\n'),
  ),
});

/**
 * How far back the newest row of a token is looked for. Without a bound, a token that has no such windows at all is
 * looked for in every chunk there is.
 */
const newestWithin = "interval '30 days'";

// PostgreSQL supposes that a row of the token is among the newest of all and goes through the index of time, which for
// a token without such windows is a month of everybody's. `costly` makes each of those rows too dear.
function latestOf(granularity: Granularity, catalogue: Catalogue): View {
  const table = `cryptoracle.metrics_${granularity}`;
  return {
    name: `latest_${granularity}`,
    comment: `The newest ${granularity} row of each token that has one within 30 days of the newest of all`,
    columns: rowColumns(catalogue),
    query: `${selectRow(granularity, catalogue)}
from cryptoracle.tokens
cross join lateral (
  select * from ${table} as newest
  where newest.token = tokens.token
    and newest."time" >= (select max("time") from ${table}) - ${newestWithin}
    and cryptoracle.costly(newest.token)
  order by newest."time" desc
  limit 1
) as m`,
  };
}

const latest = (catalogue: Catalogue): View => ({
  name: 'latest',
  comment: 'The newest row of each token in each granularity, of the last 30 days',
  columns: rowColumns(catalogue),
  query: eachGranularity(
    (granularity) =>
      `select ${Object.keys(rowColumns(catalogue)).map(quoted).join(', ')} from cryptoracle.latest_${granularity}`,
  ),
});

export const metricViews = (catalogue: Catalogue): readonly View[] => [
  allMetrics(catalogue),
  metricsLong(catalogue),
  ...granularities.map((granularity) => latestOf(granularity, catalogue)),
  latest(catalogue),
];
