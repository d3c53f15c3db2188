import { type SQL, sql } from 'drizzle-orm';
import type { Granularity } from '../../../catalog/index.ts';
import {
  countedAfter,
  lateAfter,
  newestOf,
  quietBelow,
  tokensWithin,
  usualShare,
  usualTokens,
} from '../../reports/freshness.ts';
import { windowStart } from '../../reports/gap-branches.ts';
import { metricTable, windowLengthSql } from '../../schema/sql.ts';
import {
  eachGranularity,
  isGranularityWanted,
  settledUntil,
  textOf,
  type View,
  wantedTokens,
} from './view.ts';

/** How fresh the database is, of what the pipeline is to fetch. */

/** Start of the newest window that has been due for so long. */
function windowDueFor(granularity: Granularity, milliseconds: number): SQL {
  const until = sql.raw(`${settledUntil(granularity)} - interval '${milliseconds / 60_000} minutes'`);
  return sql`${windowStart(granularity, until)} - ${windowLengthSql(granularity)}`;
}

/** How many whole windows that are due lie after an instant. */
const windowsSince = (granularity: Granularity, end: SQL) => sql`
  greatest(0, floor(extract(epoch from ${sql.raw(settledUntil(granularity))} - ${end})
    / extract(epoch from ${windowLengthSql(granularity)})))::integer`;

function freshnessOf(granularity: Granularity): string {
  const table = metricTable(granularity);
  const length = windowLengthSql(granularity);
  const end = sql`(newest.time + ${length})`;
  const tokens = sql.raw(wantedTokens(granularity));
  const quiet = sql`counted.tokens < ${sql.raw(String(quietBelow))} * counted.usual`;
  return textOf(sql`
    select ${sql.raw(`'${granularity}'::text`)} as granularity, newest.time as newest_window, ${end} as newest_window_end,
      stored.tokens, stored.at as stored_at,
      (select max(upper(answered)) from cryptoracle.coverage where granularity = ${sql.raw(`'${granularity}'`)}) as answered_until,
      extract(epoch from now() - ${end})::float8 as seconds_behind,
      case when newest.time is not null then ${windowsSince(granularity, end)} end as windows_behind,
      newest.time is null or newest.time < ${windowDueFor(granularity, lateAfter)} or coalesce(${quiet}, false) as is_late,
      counted.window as counted_window, counted.tokens as counted_tokens, counted.usual as usual_tokens,
      ${quiet} as is_quiet
    from (select max(time) as time from ${table}) as newest
    cross join lateral (
      select count(*) as tokens, min(first_seen_at) as at from ${table} as m where m.time = newest.time
    ) as stored
    cross join lateral (select ${windowDueFor(granularity, countedAfter)} as start) as due
    cross join lateral (
      select due.start as window, ${tokensWithin(granularity, sql`due.start`, tokens)} as tokens,
        ${usualTokens(granularity, sql`due.start`, tokens)} as usual
      offset 0
    ) as counted
    where ${sql.raw(isGranularityWanted(granularity))}`);
}

const freshness: View = {
  name: 'freshness',
  comment: 'How fresh each granularity is that the pipeline is to fetch, one row each',
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
    is_late:
      'True where a window has been due for half an hour and has no value of any token, where nothing was ever stored, or where is_quiet',
    counted_window: 'Start of the newest window that has been due for ten minutes: its tokens are counted',
    counted_tokens: 'Tokens wanted that have a row in counted_window',
    usual_tokens:
      'How many of them is usual: the median of the windows at the same hour on the 14 days before that have a value, the lower of the two in the middle; NULL where fewer than 3 have one',
    is_quiet:
      'True where fewer than four fifths of usual_tokens have a row in counted_window; NULL where nothing is usual yet',
  },
  query: eachGranularity(freshnessOf),
};

function tokenFreshnessOf(granularity: Granularity): string {
  const end = sql`(newest.time + ${windowLengthSql(granularity)})`;
  const share = usualShare(granularity, sql`listed.token`, sql`newest.time`);
  const behind = windowsSince(granularity, end);
  return textOf(sql`
    select ${sql.raw(`'${granularity}'::text`)} as granularity, listed.token, newest.time as newest_window,
      ${end} as newest_window_end, newest.first_seen_at as stored_at,
      case when newest.time is not null then ${behind} end as windows_behind,
      ${share} as usual_share,
      case when newest.time is not null then ${behind} > 2 and ${share} >= 0.9 end as is_late
    from (${sql.raw(wantedTokens(granularity))}) as listed
    left join lateral (${newestOf(granularity, sql`listed.token`)}) as newest on true
    where ${sql.raw(isGranularityWanted(granularity))}`);
}

const tokenFreshness: View = {
  name: 'token_freshness',
  comment:
    'How fresh each token is that the pipeline is to fetch, one row for each granularity. Name a granularity or a token',
  columns: {
    granularity: '15m, 1h, 4h or 1d',
    token: 'Ticker of the token, see tokens',
    newest_window: "Start of the token's newest window with a value; NULL where it has none",
    newest_window_end: 'End of that window, not included',
    stored_at: 'When that window was first stored',
    windows_behind: 'Windows after it that are due, some 15 minutes after their end (wanted.settle_delay)',
    usual_share:
      'Share of the windows of the 14 days up to newest_window that have a value, 0 to 1, since the first one where that is within them: many tokens are mentioned now and then only. NULL where there is none',
    is_late:
      'True where more than two windows are due after the newest one, and usual_share is nine tenths or more; NULL where there is none',
  },
  query: eachGranularity(tokenFreshnessOf),
};

export const freshnessViews: readonly View[] = [freshness, tokenFreshness];
