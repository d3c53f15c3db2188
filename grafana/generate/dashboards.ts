import { granularities, type Metric, metrics } from '../../src/catalog/index.ts';
import { sound } from '../../src/store/setup/views/view.ts';
import { freshness, health } from './health.ts';
import { brokenAtGaps, type Dashboard, type Panel, series, table, type Variable } from './model.ts';

/** The dashboards, from the catalogue: a new metric is in them at once. */

const granularity: Variable = {
  name: 'granularity',
  label: 'Granularity',
  multi: false,
  current: ['1h'],
  values: granularities,
};

const tokenList =
  "select token as __value, token || ' (' || name || ')' as __text from cryptoracle.tokens order by position";

const token: Variable = { name: 'token', label: 'Token', multi: false, current: ['BTC'], sql: tokenList };

const tokens: Variable = {
  name: 'tokens',
  label: 'Tokens',
  multi: true,
  current: ['BTC', 'ETH', 'SOL'],
  sql: tokenList,
};

const metric: Variable = {
  name: 'metric',
  label: 'Metric',
  multi: false,
  current: ['mention_count'],
  sql: 'select column_name as __value, column_name as __text from cryptoracle.metric_catalog order by code',
};

// `sqlstring` quotes what was chosen, one value or several.
const ofGranularity = `granularity = \${granularity:sqlstring}`;
const ofToken = `${ofGranularity} and token = \${token:sqlstring}`;
const ofTokens = `${ofGranularity} and token in (\${tokens:sqlstring})`;

function unitOf(metricEntry: Metric): Pick<Panel, 'unit' | 'minimum' | 'maximum'> {
  const { kind, minimum, maximum } = metricEntry;
  return {
    unit: kind === 'ratio' ? 'percentunit' : kind === 'count' ? 'short' : 'none',
    ...(minimum === null || kind === 'rank' ? {} : { minimum }),
    ...(maximum === null || kind === 'ratio' ? {} : { maximum }),
  };
}

/** A column of one token over time. */
const columnOfToken = (column: string, view: string) =>
  brokenAtGaps(
    `select time, window_end as ends, ${column} as value
from cryptoracle.${view}
where ${ofToken} and $__timeFilter(time)`,
    column,
  );

/** Something about all tokens together, where nearly as many have a value as usually in the time in view. */
const ofAllTokens = (expression: string, counted: string, name: string) =>
  brokenAtGaps(
    `with summed as (
  select time, window_end as ends, ${expression} as value, count(${counted}) as tokens
  from cryptoracle.metrics
  where ${ofGranularity} and $__timeFilter(time)
  group by time, window_end
), usual as (
  select percentile_cont(0.5) within group (order by tokens) as tokens from summed
)
select time, ends, case when summed.tokens >= 0.9 * usual.tokens then value end as value
from summed cross join usual`,
    name,
  );

/** A metric of several tokens. */
const metricOfTokens = `select time, window_end as ends, token as metric, value
from cryptoracle.metrics_long
where ${ofTokens} and metric = \${metric:sqlstring} and $__timeFilter(time)`;

/** Windows from which on a deviation says something, as for `sentiment_zscore`. */
const enoughWindows = 10;

const market: Dashboard = {
  uid: 'cryptoracle-market',
  title: 'Cryptoracle: market overview',
  description: 'What is talked about now, and what changed since the day before',
  from: 'now-7d',
  variables: [granularity],
  panels: [
    {
      title: 'Most mentioned now',
      description:
        'Tokens by mentions in their newest window, where that is at most a day older than the newest of all',
      type: 'table',
      width: 12,
      height: 10,
      percent: ['share'],
      queries: table(
        `select latest.token, tokens.name, latest.window_end, mention_count as mentions, mention_share as share,
  net_sentiment
from cryptoracle.latest
join cryptoracle.tokens using (token)
where ${ofGranularity} and mention_count is not null
  and latest.time >= (select max(time) from cryptoracle.metrics where ${ofGranularity}) - interval '24 hours'
order by mention_count desc
limit 20`,
      ),
    },
    {
      title: 'Movers by mentions',
      description: 'Newest window against the same window 24 hours before',
      type: 'table',
      width: 12,
      height: 10,
      percent: ['mention_change_ratio'],
      queries: table(
        `select token, mention_count, mention_count_before, mention_change, mention_change_ratio
from cryptoracle.movers
where ${ofGranularity} and mention_change is not null
order by mention_place
limit 20`,
      ),
    },
    {
      title: 'Movers by sentiment',
      description: 'Net sentiment, -1 to 1, against the same window 24 hours before',
      type: 'table',
      width: 12,
      height: 10,
      queries: table(
        `select token, net_sentiment, net_sentiment_before, sentiment_change, mention_count
from cryptoracle.movers
where ${ofGranularity} and sentiment_change is not null
order by sentiment_place
limit 20`,
      ),
    },
    {
      title: 'Unusual sentiment',
      description: "Standard deviations from the token's own 30 days; few windows make a poor yardstick",
      type: 'table',
      width: 12,
      height: 10,
      queries: table(
        `select token, zscore, net_sentiment, mean_30d, windows_30d
from cryptoracle.sentiment_zscore
where ${ofGranularity} and zscore is not null
order by abs(zscore) desc
limit 20`,
      ),
    },
    {
      title: 'Mentions of all tokens',
      description:
        'Sum of mention_count over all tokens, for each window; a post that mentions two tokens counts twice. Windows in which fewer than nine in ten of the usual tokens have a value are left out',
      type: 'timeseries',
      width: 12,
      height: 9,
      unit: 'short',
      minimum: 0,
      queries: series(ofAllTokens('sum(mention_count)', 'mention_count', 'mentions')),
    },
    {
      title: 'Mood of the market',
      description:
        'Net sentiment of all tokens, each weighed by its mentions. Windows in which fewer than nine in ten of the usual tokens have a value are left out',
      type: 'timeseries',
      width: 12,
      height: 9,
      unit: 'none',
      minimum: -1,
      maximum: 1,
      queries: series(
        ofAllTokens(
          'sum(net_sentiment * mention_count) / nullif(sum(mention_count) filter (where net_sentiment is not null), 0)',
          'net_sentiment * mention_count',
          'net_sentiment',
        ),
      ),
    },
    freshness,
  ],
};

const oneToken: Dashboard = {
  uid: 'cryptoracle-token',
  title: 'Cryptoracle: one token',
  description: 'Everything about one token',
  from: 'now-7d',
  variables: [token, granularity],
  panels: [
    {
      title: 'Labels',
      description: 'The newest label of each kind',
      type: 'table',
      width: 12,
      height: 7,
      queries: table(
        `select tag, subject, value, since
from cryptoracle.token_tags_current
where token = \${token:sqlstring}
order by tag`,
      ),
    },
    {
      title: 'Sentiment against its own 30 days',
      description: 'Standard deviations from the mean of the 30 Beijing days before',
      type: 'timeseries',
      width: 12,
      height: 7,
      unit: 'none',
      queries: series(columnOfToken('zscore', 'sentiment_zscore_history')),
    },
    ...metrics.map(
      (each): Panel => ({
        title: each.column,
        description: `${each.meaning} (${each.code}). ${each.acrossWindows}`,
        type: 'timeseries',
        width: 8,
        height: 7,
        ...unitOf(each),
        queries: series(columnOfToken(each.column, 'metrics')),
      }),
    ),
    {
      title: 'What changed after it was published',
      description: 'Revisions of the windows in view',
      type: 'table',
      width: 24,
      height: 7,
      queries: table(
        `select revisions.time, metric_catalog.column_name as metric, old, new, revised_at
from cryptoracle.revisions
join cryptoracle.metric_catalog on metric_catalog.code = revisions.metric
where ${ofToken} and $__timeFilter(revisions.time)
order by revised_at desc
limit 100`,
      ),
    },
  ],
};

const compare: Dashboard = {
  uid: 'cryptoracle-compare',
  title: 'Cryptoracle: compare tokens',
  description: 'One metric of several tokens',
  from: 'now-7d',
  variables: [tokens, metric, granularity],
  panels: [
    {
      title: '$metric',
      description: 'The metric of each token, window by window',
      type: 'timeseries',
      width: 24,
      height: 12,
      queries: series(brokenAtGaps(metricOfTokens)),
    },
    {
      title: '$metric against its mean',
      description: `Standard deviations above (below 0: below) the token's mean of the time in view, each window counting the same, so that large and small tokens compare, and metrics that may be negative. From ${enoughWindows} windows on; look at a longer time for 1d`,
      type: 'timeseries',
      width: 24,
      height: 10,
      unit: 'none',
      queries: series(
        brokenAtGaps(`select time, ends, metric,
  case when windows >= ${enoughWindows} and deviation > 1e-9 * largest then (value - mean) / deviation end as value
from (
  select time, ends, metric, value, avg(value) over line as mean, stddev_samp(value) over line as deviation,
    count(*) over line as windows, max(abs(value)) over line as largest
  from (
${metricOfTokens.replaceAll(/^/gm, '    ')}
  ) as chosen
  where ${sound('value')} is not null
  window line as (partition by metric)
) as measured`),
      ),
    },
    {
      title: 'Now',
      description: 'The newest window of each token',
      type: 'table',
      width: 24,
      height: 8,
      queries: table(
        `select token, window_end, ${metrics.map(({ column }) => column).join(', ')}
from cryptoracle.latest
where ${ofTokens}
order by mention_rank`,
      ),
    },
  ],
};

export const dashboards: readonly Dashboard[] = [market, oneToken, compare, health];
