import { granularities, metricCodes } from '../../catalog/index.ts';
import { eachGranularity, lengths, type View } from './view.ts';

/** How fresh and how full the database is. */

const freshness: View = {
  name: 'freshness',
  comment: 'How fresh each granularity is, one row each',
  columns: {
    granularity: '15m, 1h, 4h or 1d',
    newest_window: 'Start of the newest window that has a value of any token; NULL where there is none',
    newest_window_end: 'End of that window, not included',
    tokens: 'Tokens that have a row in that window',
    stored_at: 'When the first of these rows was stored',
    answered_until: 'End of the newest window that the API has answered, with or without values',
    seconds_behind:
      'Seconds since newest_window_end. A window is published 10 to 15 minutes after its end, so up to its length and half an hour more is usual',
    windows_behind: 'Whole windows that have closed since',
    is_late: 'True where more than two windows and half an hour have gone since newest_window_end',
  },
  query: eachGranularity((granularity) => {
    const table = `cryptoracle.metrics_${granularity}`;
    const length = lengths[granularity];
    const behind = `extract(epoch from now() - newest."time" - ${length})`;
    return `select '${granularity}'::text as granularity, newest."time" as newest_window,
  newest."time" + ${length} as newest_window_end, stored.tokens, stored.at as stored_at,
  (select max(upper(answered)) from cryptoracle.coverage where granularity = '${granularity}') as answered_until,
  ${behind}::float8 as seconds_behind,
  floor(${behind} / extract(epoch from ${length}))::integer as windows_behind,
  now() > newest."time" + 3 * ${length} + interval '30 minutes' as is_late
from (select max("time") as "time" from ${table}) as newest
cross join lateral (
  select count(*) as tokens, min(first_seen_at) as at from ${table} where "time" = newest."time"
) as stored`;
  }),
};

/** Every Beijing day since the first answered one, with its closed windows, for each granularity. */
const spans = `
    select days.day::date as day, unit.granularity, unit.length, closed.windows,
      tstzrange(start.midnight, start.midnight + closed.windows * unit.length) as range
    from generate_series(
      date_trunc('day', (select min(lower(answered)) from cryptoracle.coverage) at time zone 'Asia/Shanghai'),
      now() at time zone 'Asia/Shanghai', interval '1 day'
    ) as days (day)
    cross join lateral (select days.day at time zone 'Asia/Shanghai') as start (midnight)
    cross join (values ${granularities.map((granularity) => `('${granularity}', ${lengths[granularity]})`).join(', ')})
      as unit (granularity, length)
    cross join lateral (
      select floor(extract(epoch from least(interval '24 hours', now() - start.midnight))
        / extract(epoch from unit.length))::integer
    ) as closed (windows)
    where closed.windows > 0`;

const coverageDaily: View = {
  name: 'coverage_daily',
  comment:
    'How much of each Beijing day the API has answered, for each granularity and token that was ever asked for. Name a day, or some: all of them are a long list',
  columns: {
    day: 'The Beijing day',
    granularity: '15m, 1h, 4h or 1d',
    token: 'Ticker of the token, see tokens',
    windows:
      'Windows of the day that have closed: 96, 24, 6 or 1, fewer on the current day. The newest of them are asked for some 15 minutes after their close',
    metrics: 'Metrics that were ever asked for, without those that the subscription refuses',
    expected: 'Values to ask for: windows times metrics',
    answered: 'How many of them the API has answered; an answer without a value counts',
    answered_ratio: 'Answered of expected, 0 to 1; below 1 there is a gap',
  },
  // Most metrics of a token share one history, which is compared with the days once.
  query: `select *, answered::float8 / expected as answered_ratio
from (
  select span.day, asked.granularity, asked.token, span.windows, sum(asked.metrics)::bigint as metrics,
    span.windows * sum(asked.metrics)::bigint as expected,
    sum(asked.metrics * case
      when asked.answered @> span.range then span.windows
      else coalesce((
        select sum(extract(epoch from upper(part) - lower(part)) / extract(epoch from span.length))
        from unnest(asked.answered * tstzmultirange(span.range)) as part
      ), 0)::integer
    end)::bigint as answered
  from (${spans}) as span
  join (
    select granularity, token, answered, count(*) as metrics
    from cryptoracle.coverage
    where metric in (${metricCodes.map((code) => `'${code}'`).join(', ')})
      and not exists (select from cryptoracle.entitlements as refused where refused.metric = coverage.metric)
    group by granularity, token, answered
  ) as asked on asked.granularity = span.granularity
  group by span.day, asked.granularity, asked.token, span.windows
) as by_token`,
};

export const healthViews: readonly View[] = [freshness, coverageDaily];
