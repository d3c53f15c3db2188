import { sql } from 'drizzle-orm';
import { PgDialect } from 'drizzle-orm/pg-core';
import pg from 'pg';
import type { Catalogue, Granularity } from '../../../catalog/index.ts';
import { firstValueOf, isUnavailable } from '../../ledger/availability.ts';
import { unservedOf } from '../../ledger/desired-scope.ts';
import { windowLengths } from '../../schema/sql.ts';
import { eachGranularity, type View } from './view.ts';

/** How fresh and how full the database is. */

const codesOf = ({ codes }: Catalogue) => `array[${codes.map(pg.escapeLiteral).join(', ')}]`;

/** The instant until which windows of a granularity are due: what ended before has settled. */
const settledUntil = (granularity: Granularity) =>
  `(now() - coalesce(
    (select settle_delay from cryptoracle.wanted where granularity = '${granularity}'), interval '15 minutes'))`;

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
    windows_behind:
      'Windows after it that are due: 0 where everything is there that can be. A window is due once it has settled, some 15 minutes after its end (wanted.settle_delay)',
    is_late: 'True where more than two windows and half an hour have gone since newest_window_end',
  },
  query: eachGranularity((granularity) => {
    const table = `cryptoracle.metrics_${granularity}`;
    const length = windowLengths[granularity];
    const behind = `extract(epoch from now() - newest."time" - ${length})`;
    return `select '${granularity}'::text as granularity, newest."time" as newest_window,
  newest."time" + ${length} as newest_window_end, stored.tokens, stored.at as stored_at,
  (select max(upper(answered)) from cryptoracle.coverage where granularity = '${granularity}') as answered_until,
  ${behind}::float8 as seconds_behind,
  case when newest."time" is not null then greatest(0, floor(
    extract(epoch from ${settledUntil(granularity)} - newest."time" - ${length}) / extract(epoch from ${length})
  ))::integer end as windows_behind,
  now() > newest."time" + 3 * ${length} + interval '30 minutes' as is_late
from (select max("time") as "time" from ${table}) as newest
cross join lateral (
  select count(*) as tokens, min(first_seen_at) as at from ${table} where "time" = newest."time"
) as stored`;
  }),
};

/** What the pipeline was told to fetch and the API can answer; everything where it was told nothing. */
const wantedMetrics = (granularity: Granularity, catalogue: Catalogue) =>
  sql`coalesce(
    (select array(select unnest(w.metrics) except select unnest(${unservedOf(sql`w`)}))
      from cryptoracle.wanted as w where w.granularity = ${sql.raw(`'${granularity}'`)}),
    ${sql.raw(codesOf(catalogue))})`;

/**
 * The tokens that the API has no windows of the granularity for. They are not asked for any more, so that whatever a day
 * lacks of them is no gap.
 */
const unavailableTokens = (granularity: Granularity, catalogue: Catalogue) =>
  new PgDialect().sqlToQuery(sql`
    select listed.token from cryptoracle.tokens as listed
    where ${firstValueOf(granularity, sql`listed.token`)} is null
      and ${isUnavailable(granularity, sql`listed.token`, wantedMetrics(granularity, catalogue))}`).sql;

/** Codes that the pipeline wants in vain, for the version of the API does not have them. */
const unserved = (granularity: Granularity) => `coalesce((
        select ${new PgDialect().sqlToQuery(unservedOf(sql`w`)).sql}
        from cryptoracle.wanted as w where w.granularity = '${granularity}'), '{}')`;

/** Every Beijing day since the first answered one, with those of the windows that start on it that are due. */
const spans = (granularity: Granularity) => `
    select days.day::date as day, due.windows,
      tstzrange(start.first, start.first + due.windows * ${windowLengths[granularity]}) as range
    from generate_series(
      date_trunc('day', (select min(lower(answered)) from cryptoracle.coverage) at time zone 'Asia/Shanghai'),
      now() at time zone 'Asia/Shanghai', interval '1 day'
    ) as days (day)
    cross join lateral (select days.day at time zone 'Asia/Shanghai'${granularity === '1d' ? ' + cryptoracle.day_start()' : ''}) as start (first)
    cross join lateral (
      select floor(extract(epoch from least(interval '24 hours', ${settledUntil(granularity)} - start.first))
        / extract(epoch from ${windowLengths[granularity]}))::integer
    ) as due (windows)
    where due.windows > 0`;

const coverageDaily = (catalogue: Catalogue): View => ({
  name: 'coverage_daily',
  comment:
    'How much of each Beijing day the API has answered, for each granularity and each token that was ever asked for; which values are missing, and why, tells the view gaps. Name a day, or some: all of them are a long list',
  columns: {
    day: 'The Beijing day',
    granularity: '15m, 1h, 4h or 1d',
    token:
      'Ticker of the token, see tokens. Where the API has no windows of the granularity for it, the days on which it was asked in full are here and no others',
    windows:
      'Windows of the day that are due: 96, 24, 6 or 1, fewer on the current day. A window is due once it has settled, some 15 minutes after its end (wanted.settle_delay)',
    metrics:
      'Metrics that were ever asked for, without those that the subscription refuses or the version of the API does not have',
    expected: 'Values to ask for: windows times metrics',
    answered: 'How many of them the API has answered; an answer without a value counts',
    answered_ratio: 'Answered of expected, 0 to 1; below 1 there is a gap',
  },
  // Most metrics of a token share one history, which is compared with the days once. Which tokens are unavailable is
  // looked up only where something is missing.
  query: eachGranularity(
    (granularity) => `select *, answered::float8 / expected as answered_ratio
from (
  select span.day, '${granularity}'::text as granularity, asked.token, span.windows,
    sum(asked.metrics)::bigint as metrics, span.windows * sum(asked.metrics)::bigint as expected,
    sum(asked.metrics * case
      when asked.answered @> span.range then span.windows
      else coalesce((
        select sum(extract(epoch from upper(part) - lower(part)) / extract(epoch from ${windowLengths[granularity]}))
        from unnest(asked.answered * tstzmultirange(span.range)) as part
      ), 0)::integer
    end)::bigint as answered
  from (${spans(granularity)}) as span
  cross join (
    select token, answered, count(*) as metrics
    from cryptoracle.coverage
    where granularity = '${granularity}' and metric = any (${codesOf(catalogue)})
      and metric <> all (${unserved(granularity)})
      and not exists (select from cryptoracle.entitlements as refused where refused.metric = coverage.metric)
    group by token, answered
  ) as asked
  group by span.day, asked.token, span.windows
) as by_token
where case when answered = expected then true else token not in (${unavailableTokens(granularity, catalogue)}) end`,
  ),
});

export const healthViews = (catalogue: Catalogue): readonly View[] => [freshness, coverageDaily(catalogue)];
