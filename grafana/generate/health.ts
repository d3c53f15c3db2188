import { brokenAtGaps, type Dashboard, type Panel, series, table } from './model.ts';

/** Whether everything is there, and what the API says. */

export const freshness: Panel = {
  title: 'How fresh',
  description:
    'Seconds since the newest window ended; its length and half an hour more are usual. Tokens with a value in the newest window that has been due for ten minutes, against what is usual at that hour',
  type: 'table',
  width: 24,
  height: 6,
  queries: table(
    `select granularity, newest_window_end, seconds_behind, windows_behind, counted_tokens, usual_tokens, is_late
from cryptoracle.freshness`,
  ),
};

export const health: Dashboard = {
  uid: 'cryptoracle-health',
  title: 'Cryptoracle: pipeline health',
  description: 'Whether everything is there, and what the API says',
  from: 'now-24h',
  variables: [],
  panels: [
    freshness,
    {
      title: 'Access',
      description: '0: the API answers. 1: it refuses access, and nothing is asked but a probe now and then',
      type: 'stat',
      width: 6,
      height: 6,
      alarm: true,
      queries: table('select count(*) as refused from cryptoracle.breaker'),
    },
    {
      title: 'In quarantine',
      description:
        'Kinds of things that could not be stored, and that nobody has replayed or dismissed: of all times and of the last day',
      type: 'stat',
      width: 6,
      height: 6,
      alarm: true,
      queries: table(
        `select count(*) as "all",
  count(*) filter (where last_seen_at > now() - interval '24 hours') as "last day"
from cryptoracle.quarantine
where resolution is null`,
      ),
    },
    {
      title: 'Not in the subscription',
      description: 'Metrics and tags that the API refuses (code 205)',
      type: 'stat',
      width: 6,
      height: 6,
      queries: table('select count(*) as refused from cryptoracle.entitlements'),
    },
    {
      title: 'Values revised in the last day',
      description: 'Values that changed or came late',
      type: 'stat',
      width: 6,
      height: 6,
      queries: table(
        "select count(*) as revised from cryptoracle.revisions where revised_at > now() - interval '24 hours'",
      ),
    },
    {
      title: 'Answered of each day',
      description:
        'Share of the values of each Beijing day that the API has answered; below 100 % there is a gap',
      type: 'timeseries',
      width: 12,
      height: 9,
      unit: 'percentunit',
      maximum: 1,
      queries: series(
        brokenAtGaps(`select day::timestamp at time zone 'Asia/Shanghai' as time,
  (day + 1)::timestamp at time zone 'Asia/Shanghai' as ends, granularity as metric,
  sum(answered)::float8 / sum(expected) as value
from cryptoracle.coverage_daily
where day between ($__timeFrom()::timestamptz at time zone 'Asia/Shanghai')::date
  and ($__timeTo()::timestamptz at time zone 'Asia/Shanghai')::date
group by day, granularity`),
      ),
    },
    {
      title: 'Calls by outcome',
      description: 'Every call to the API, retries included; no bar: no call',
      type: 'timeseries',
      drawn: 'bars',
      width: 12,
      height: 9,
      unit: 'short',
      minimum: 0,
      queries: series(
        `select $__timeGroupAlias(sent_at, $__interval), outcome as metric, count(*) as value
from cryptoracle.requests
where $__timeFilter(sent_at)
group by 1, 2
order by 1`,
      ),
    },
    {
      title: 'Time to answer',
      description: 'From sending a call to the end of its answer; no point: no call',
      type: 'timeseries',
      drawn: 'points',
      width: 12,
      height: 9,
      unit: 'ms',
      minimum: 0,
      queries: series(
        `select $__timeGroupAlias(sent_at, $__interval),
  percentile_cont(0.5) within group (order by milliseconds) as median,
  percentile_cont(0.95) within group (order by milliseconds) as "95 %"
from cryptoracle.requests
where $__timeFilter(sent_at)
group by 1
order by 1`,
      ),
    },
    {
      title: 'Least answered tokens of yesterday',
      description: 'Where the gaps are',
      type: 'table',
      width: 12,
      height: 9,
      percent: ['answered_ratio'],
      queries: table(
        `select token, granularity, expected, answered, answered_ratio
from cryptoracle.coverage_daily
where day = (now() at time zone 'Asia/Shanghai')::date - 1
order by answered_ratio, token, granularity
limit 20`,
      ),
    },
    {
      title: 'Newest failures',
      description: 'Calls that were not answered',
      type: 'table',
      width: 12,
      height: 9,
      queries: table(
        `select sent_at, outcome, code, granularity, cardinality(tokens) as tokens, message
from cryptoracle.requests
where outcome <> 'answered' and $__timeFilter(sent_at)
order by sent_at desc
limit 50`,
      ),
    },
    {
      title: 'Newest in quarantine',
      description: 'What was sent and could not be stored',
      type: 'table',
      width: 12,
      height: 9,
      queries: table(
        `select last_seen_at, granularity, token, metric, reason, times_seen, resolution
from cryptoracle.quarantine
order by last_seen_at desc
limit 50`,
      ),
    },
  ],
};
