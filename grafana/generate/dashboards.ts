import { granularities, type Metric, metrics } from '../../src/catalog/index.ts';
import { freshness, health } from './health.ts';
import { type Dashboard, type Panel, series, table, type Variable } from './model.ts';

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

/** A column over time whose line breaks where a window has no row: a NULL stands at the end of the window before. */
function brokenAtGaps(column: string, view: string): string {
  const inSight = `from cryptoracle.${view}
  where ${ofToken} and $__timeFilter(time)`;
  return `select time, ${column}
  ${inSight}
union all
select window_end, null
from (
  select window_end, lead(time) over (order by time) as next
  ${inSight}
) as shown
where next > window_end
order by time`;
}

const market: Dashboard = {
  uid: 'cryptoracle-market',
  title: 'Cryptoracle: market overview',
  description: 'What is talked about now, and what changed since the day before',
  from: 'now-7d',
  variables: [granularity],
  panels: [
    {
      title: 'Most mentioned now',
      description: 'Tokens by mentions in their newest window',
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
      description: 'Sum of mention_count over all tokens, for each window',
      type: 'timeseries',
      width: 12,
      height: 9,
      unit: 'short',
      minimum: 0,
      queries: series(
        `select time, sum(mention_count) as mentions
from cryptoracle.metrics
where ${ofGranularity} and $__timeFilter(time)
group by time
order by time`,
      ),
    },
    {
      title: 'Mood of the market',
      description: 'Net sentiment of all tokens, each weighed by its mentions',
      type: 'timeseries',
      width: 12,
      height: 9,
      unit: 'none',
      queries: series(
        `select time, sum(net_sentiment * mention_count) / nullif(sum(mention_count), 0) as net_sentiment
from cryptoracle.metrics
where ${ofGranularity} and $__timeFilter(time) and net_sentiment is not null
group by time
order by time`,
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
      queries: series(brokenAtGaps('zscore', 'sentiment_zscore_history')),
    },
    ...metrics.map(
      (each): Panel => ({
        title: each.column,
        description: `${each.meaning} (${each.code}). ${each.acrossWindows}`,
        type: 'timeseries',
        width: 8,
        height: 7,
        ...unitOf(each),
        queries: series(brokenAtGaps(each.column, 'metrics')),
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
      queries: series(
        `select time, token as metric, value
from cryptoracle.metrics_long
where ${ofTokens} and metric = \${metric:sqlstring} and $__timeFilter(time)
order by time`,
      ),
    },
    {
      title: '$metric against its mean',
      description: 'Value over the mean of the time in view, so that large and small tokens compare',
      type: 'timeseries',
      width: 24,
      height: 10,
      queries: series(
        `select time, token as metric, value / nullif(avg(value) over (partition by token), 0) as value
from cryptoracle.metrics_long
where ${ofTokens} and metric = \${metric:sqlstring} and $__timeFilter(time)
order by time`,
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
