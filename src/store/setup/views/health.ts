import { sql } from 'drizzle-orm';
import pg from 'pg';
import type { Catalogue, Granularity } from '../../../catalog/index.ts';
import { firstValueOf, isUnavailable } from '../../ledger/availability.ts';
import { unservedOf } from '../../ledger/desired-scope.ts';
import { windowLengths } from '../../schema/sql.ts';
import {
  eachGranularity,
  isGranularityWanted,
  settledUntil,
  textOf,
  type View,
  wantedTokens,
} from './view.ts';

/** How full the database is. */

const codesOf = ({ codes }: Catalogue) => `array[${codes.map(pg.escapeLiteral).join(', ')}]`;

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
  textOf(sql`
    select listed.token from cryptoracle.tokens as listed
    where ${firstValueOf(granularity, sql`listed.token`)} is null
      and ${isUnavailable(granularity, sql`listed.token`, wantedMetrics(granularity, catalogue))}`);

/** Every whole Beijing day that is wanted since the first answered one, with those of its windows that are due. */
const spans = (granularity: Granularity) => `
    select days.day::date as day, due.windows,
      tstzrange(start.first, start.first + due.windows * ${windowLengths[granularity]}) as range
    from generate_series(
      greatest(
        date_trunc('day', (select min(lower(answered)) from cryptoracle.coverage) at time zone 'Asia/Shanghai'),
        (select date_trunc('day', greatest(told.history_start, now() - told.keep) at time zone 'Asia/Shanghai'
           + interval '1 day' - interval '1 microsecond')
         from cryptoracle.wanted as told where told.granularity = '${granularity}')
      ),
      now() at time zone 'Asia/Shanghai', interval '1 day'
    ) as days (day)
    cross join lateral (select days.day at time zone 'Asia/Shanghai'${granularity === '1d' ? ' + cryptoracle.day_start()' : ''}) as start (first)
    cross join lateral (
      select floor(extract(epoch from least(interval '24 hours', ${settledUntil(granularity)} - start.first))
        / extract(epoch from ${windowLengths[granularity]}))::integer
    ) as due (windows)
    where due.windows > 0 and ${isGranularityWanted(granularity)}`;

const coverageDaily = (catalogue: Catalogue): View => ({
  name: 'coverage_daily',
  comment:
    'How much of each Beijing day the API has answered, for each granularity and token that the pipeline is to fetch and has asked for; which values are missing, and why, tells the view gaps. Name a day, or some: all of them are a long list',
  columns: {
    day: 'The Beijing day: every one since the first that was answered and that is wanted as a whole',
    granularity: '15m, 1h, 4h or 1d',
    token:
      'Ticker of the token, see tokens. Where the API has no windows of the granularity for it, the days on which it was asked in full are here and no others',
    windows:
      'Windows of the day that are due: 96, 24, 6 or 1, fewer on the current day. A window is due once it has settled, some 15 minutes after its end (wanted.settle_delay)',
    metrics:
      'Metrics wanted that the token was ever asked for, without those that the subscription refuses or the version of the API does not have',
    expected: 'Values to ask for: windows times metrics',
    answered: 'How many of them the API has answered; an answer without a value counts',
    answered_ratio: 'Answered of expected, 0 to 1; below 1 there is a gap',
  },
  // Most metrics of a token share one history, which is compared with the days once. The days are worked out once, and not
  // for each history. Which tokens are unavailable is looked up only where something is missing.
  query: eachGranularity(
    (granularity) => `select *, answered::float8 / expected as answered_ratio
from (
  with span as materialized (${spans(granularity)}), asked as materialized (
    select token, answered, count(*) as metrics
    from cryptoracle.coverage
    where granularity = '${granularity}' and metric = any (${textOf(wantedMetrics(granularity, catalogue))})
      and token in (${wantedTokens(granularity)})
      and not exists (select from cryptoracle.entitlements as refused where refused.metric = coverage.metric)
    group by token, answered
  )
  select span.day, '${granularity}'::text as granularity, asked.token, span.windows,
    sum(asked.metrics)::bigint as metrics, span.windows * sum(asked.metrics)::bigint as expected,
    sum(asked.metrics * case
      when asked.answered @> span.range then span.windows
      else coalesce((
        select sum(extract(epoch from upper(part) - lower(part)) / extract(epoch from ${windowLengths[granularity]}))
        from unnest(asked.answered * tstzmultirange(span.range)) as part
      ), 0)::integer
    end)::bigint as answered
  from span
  cross join asked
  group by span.day, asked.token, span.windows
) as by_token
where case when answered = expected then true else token not in (${unavailableTokens(granularity, catalogue)}) end`,
  ),
});

export const healthViews = (catalogue: Catalogue): readonly View[] => [coverageDaily(catalogue)];
