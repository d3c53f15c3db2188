import { type SQL, sql } from 'drizzle-orm';
import pg from 'pg';
import type { Catalogue, Granularity } from '../../catalog/index.ts';
import { firstValueOf, isUnavailable } from '../ledger/availability.ts';
import { isBelieved } from '../ledger/entitlements.ts';
import {
  coverage,
  dropped,
  entitlements,
  quarantine as quarantineTable,
  requests,
  suspects,
} from '../schema/index.ts';
import { metricTable, windowLengthSql } from '../schema/sql.ts';
import { type GapReason, gapReasons } from './gap-reasons.ts';

/** Every cell that is wanted and has no value, and why, as SQL: a branch for each reason. The view and the command have it in theirs. */

/** What is wanted of a granularity, and when that is looked at. */
export interface GapQuestion {
  readonly granularity: Granularity;
  /** A relation as {@link withAvailability} gives it. */
  readonly tokens: SQL;
  readonly catalogue: Catalogue;
  /** An instant. */
  readonly now: SQL;
}

/** Names and lengths as literals, so that PostgreSQL can leave out parts that a condition rules out. */
const text = (literal: string) => sql.raw(`'${literal.replaceAll("'", "''")}'::text`);

/** Start of the window that holds an instant: fine windows divide the Beijing day, 1d windows start with the API's day. */
export const windowStart = (granularity: Granularity, instant: SQL) => {
  const midnight = sql`timestamptz '2024-12-31 16:00:00+00'`;
  const origin = granularity === '1d' ? sql`${midnight} + cryptoracle.day_start()` : midnight;
  return sql`date_bin(${windowLengthSql(granularity)}, ${instant}, ${origin})`;
};

/**
 * What a branch gives: `token`, `metric`, `gap` (a range), `reason` and `detail`.
 *
 * Commas stand where `cross join` might: with every join of a view PostgreSQL keeps all columns of both sides, and reads
 * them in each connection that uses it. `gaps` would be half as large again.
 */
type Branch = (question: GapQuestion) => SQL;

/** The metrics of `t` that the API can answer. */
const servedOf = sql`(select array_agg(served) from unnest(t.metrics) as served where served <> all (t.unserved))`;

/**
 * What is wanted, with what decides for the token as a whole: `first`, the start of its first window with a value, and
 * whether it is `unavailable`. `offset 0` has both worked out once for each token.
 *
 * @param wanted a select of a row for each token: `token`, `windows` (a range on the grid), `metrics` (an array of codes)
 *   and `unserved` (those of them that the version of the API does not have)
 * @returns a select of these and of what decides
 */
export const withAvailability = (granularity: Granularity, wanted: SQL) => sql`
  select t.token, t.windows, t.metrics, t.unserved, history.first, state.unavailable
  from (${wanted}) as t
  cross join lateral (select ${firstValueOf(granularity, sql`t.token`)} as first offset 0) as history
  cross join lateral (
    select history.first is null and ${isUnavailable(granularity, sql`t.token`, servedOf, sql`t.windows`)} as unavailable offset 0
  ) as state`;

const isAnswered: Branch = ({ granularity }) =>
  sql`c.granularity = ${text(granularity)} and c.token = t.token and c.metric = m.metric`;

const answeredOf: Branch = (question) => sql`${coverage} as c on ${isAnswered(question)}`;

/** Calls that failed, for each token and metric; of the same call repeated, the last one. */
const failures: Branch = ({ granularity }) => sql`
  select token, metric, call.windows, call.id, call.kind, call.detail
  from (
    select distinct on (tokens, metrics, windows_from, windows_to) id, tokens, metrics,
      tstzrange(windows_from, windows_to) as windows, (outcome, code)::text as kind,
      coalesce(message, outcome) || to_char(sent_at at time zone 'UTC', ' (YYYY-MM-DD"T"HH24:MI:SS"Z)"') as detail
    from ${requests}
    where granularity = ${text(granularity)} and outcome not in ('answered', 'cut-short')
      and windows_from < windows_to
    order by tokens, metrics, windows_from, windows_to, id desc
  ) as call, unnest(call.tokens) as token, unnest(call.metrics) as metric`;

const removedOf: Branch = ({ granularity }) => sql`
  ${dropped} as d
    on d.granularity = ${text(granularity)} and d.token = t.token and d.metric = m.metric`;

const removedHere: Branch = (question) => sql`
  select t.token, m.metric, part.gap, ${text('dropped here')} as reason,
    to_char(d.noticed_at at time zone 'UTC', '"noticed" YYYY-MM-DD"T"HH24:MI:SS"Z"') as detail
  from ${question.tokens} as t
  cross join unnest(t.metrics) as m (metric)
  join ${removedOf(question)}
  left join ${answeredOf(question)},
  lateral unnest(
    tstzmultirange(t.windows) * d.windows - coalesce(c.answered, '{}')
  ) as part (gap)
  where not t.unavailable`;

/** Suspect windows of a token's metric, beside `t` and `m`. */
const suspectOf: Branch = ({ granularity }) => sql`
  left join (
    select token, metric, range_agg(windows) as windows from ${suspects}
    where granularity = ${text(granularity)} group by token, metric
  ) as s on s.token = t.token and s.metric = m.metric`;

const suspect: Branch = (question) => sql`
  select t.token, m.metric, part.gap, ${text('suspect')} as reason,
    'answered with nothing ' || case s.times when 1 then 'once' else s.times || ' times' end
      || ' since ' || to_char(s.since at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
      || ', asked for again at ' || to_char(s.ask_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as detail
  from ${question.tokens} as t
  cross join unnest(t.metrics) as m (metric)
  join ${suspects} as s
    on s.granularity = ${text(question.granularity)} and s.token = t.token and s.metric = m.metric
  left join ${answeredOf(question)}
  left join ${removedOf(question)},
  lateral unnest(
    tstzmultirange(t.windows) * s.windows - coalesce(c.answered, '{}') - coalesce(d.windows, '{}')
  ) as part (gap)
  where not t.unavailable`;

/** Cells that were asked for in vain more than once stand with the kind of failure that came last. */
const unanswered: Branch = (question) => sql`
  select missing.token, missing.metric, part.gap, part.reason, part.detail
  from (
    select *,
      windows - coalesce(range_agg(windows) over (
        partition by token, metric, gap order by last desc rows between unbounded preceding and 1 preceding
      ), '{}') as failed,
      range_agg(windows) over (partition by token, metric, gap) as failed_in_all,
      row_number() over (partition by token, metric, gap) as place
    from (
      select t.token, m.metric, lack.gap, refused.metric is not null as refused,
        m.metric = any (t.unserved) as unserved,
        range_agg(f.windows * lack.gap) as windows, max(f.id) as last,
        (array_agg(f.detail order by f.id desc))[1] as detail
      from ${question.tokens} as t
      cross join unnest(t.metrics) as m (metric)
      left join ${answeredOf(question)}
      left join ${removedOf(question)}
      ${suspectOf(question)}
      cross join lateral unnest(
        tstzmultirange(t.windows) - coalesce(c.answered, '{}') - coalesce(d.windows, '{}') - coalesce(s.windows, '{}')
      ) as lack (gap)
      left join ${entitlements} as refused
        on refused.metric = m.metric and ${isBelieved(sql`refused.last_refused_at`, question.now)}
      left join (${failures(question)}) as f
        on f.token = t.token and f.metric = m.metric and f.windows && lack.gap and refused.metric is null
          and m.metric <> all (t.unserved)
      where not t.unavailable
      group by t.token, m.metric, lack.gap, refused.metric, t.unserved, f.kind
    ) as by_kind
  ) as missing,
  lateral (
    select ${text('not in this API version')} as reason, missing.gap, null::text as detail where missing.unserved
    union all
    select ${text('not entitled')}, missing.gap, null where missing.refused and not missing.unserved
    union all
    select ${text('failed')}, gap, missing.detail from unnest(missing.failed) as gap
    union all
    select ${text('not asked yet')}, gap, null
    from unnest(tstzmultirange(missing.gap) - coalesce(missing.failed_in_all, '{}')) as gap
    where missing.place = 1 and not missing.refused and not missing.unserved
  ) as part`;

/**
 * Cells that something in quarantine is about: `token`, `metric`, `reason` and `windows`, of which the same may come more
 * than once. What does not say which token, window or metric it is about is about all that were asked for.
 */
const rejected: Branch = ({ granularity, catalogue }) => sql`
  select sent.token, code.metric, q.reason,
    case when q.time is null then tstzrange(r.windows_from, r.windows_to)
      else tstzrange(start.of, start.of + ${windowLengthSql(granularity)}) end as windows
  from ${quarantineTable} as q
  left join ${requests} as r on r.id = q.request_id
  , lateral (select ${windowStart(granularity, sql`q.time`)} as of) as start,
  unnest(case when q.token is null then r.tokens else array[q.token] end) as sent (token),
  unnest(
    case when q.metric is null then coalesce(r.metrics, ${codeList(catalogue)}) else array[q.metric] end
  ) as code (metric)
  where q.granularity = ${text(granularity)} and q.resolution is null and q.part is distinct from 'tag'
    and (q.time is not null or r.windows_from < r.windows_to)`;

/** {@link rejected}, a row for each token, metric and reason; a cell stands with one reason. */
const quarantined: Branch = (question) => sql`
  select token, metric, reason, windows - coalesce(range_agg(windows) over (
      partition by token, metric order by reason rows between unbounded preceding and 1 preceding
    ), '{}') as windows
  from (
    select token, metric, reason, range_agg(windows) as windows from (${rejected(question)}) as cell
    group by token, metric, reason
  ) as by_reason`;

const codeList = ({ codes }: Catalogue) => sql.raw(`array[${codes.map(pg.escapeLiteral).join(', ')}]`);
const columnList = ({ metrics }: Catalogue) =>
  sql.raw(metrics.map(({ column }) => `v.${pg.escapeIdentifier(column)}`).join(', '));
const byMetric = ({ metrics }: Catalogue, relation: string) => {
  const cases = metrics.map(
    ({ code, column }) => `when ${pg.escapeLiteral(code)} then ${relation}.${pg.escapeIdentifier(column)}`,
  );
  return sql.raw(`case m.metric ${cases.join(' ')} end`);
};

/** All of a token's metric that is in quarantine, beside `c`. */
const inQuarantine: Branch = (question) => sql`
  left join (
    select token, metric, range_agg(windows) as windows from (${rejected(question)}) as cell group by token, metric
  ) as q on q.token = c.token and q.metric = c.metric`;

const quarantine: Branch = (question) => sql`
  select t.token, m.metric, part.gap, ${text('quarantined')} as reason, q.reason as detail
  from ${question.tokens} as t,
  unnest(t.metrics) as m (metric),
  (${quarantined(question)}) as q,
  ${coverage} as c,
  lateral (select tstzmultirange(t.windows) * c.answered * q.windows as windows) as asked,
  lateral (
    select range_agg(tstzrange(v.time, v.time + ${windowLengthSql(question.granularity)})) as windows
    from unnest(asked.windows) as stretch
    join ${metricTable(question.granularity)} as v
      on v.token = t.token and v.time >= lower(stretch) and v.time < upper(stretch)
    where ${byMetric(question.catalogue, 'v')} is not null
  ) as present,
  lateral unnest(asked.windows - coalesce(present.windows, '{}')) as part (gap)
  where ${isAnswered(question)} and q.token = t.token and q.metric = m.metric and not t.unavailable`;

const beforeHistory: Branch = (question) => sql`
  select t.token, m.metric, part.gap, ${text("before the token's history")} as reason, null::text as detail
  from ${question.tokens} as t,
  unnest(t.metrics) as m (metric),
  ${coverage} as c ${inQuarantine(question)},
  lateral unnest(
    tstzmultirange(t.windows * tstzrange(null, t.first)) * c.answered - coalesce(q.windows, '{}')
  ) as part (gap)
  where ${isAnswered(question)} and t.first is not null`;

/**
 * Rows are gathered into the stretches they form, and read again only where one lacks a metric: to gather the values of
 * each metric by itself would take ten times as long.
 */
const empty: Branch = (question) => {
  const { granularity, catalogue } = question;
  const length = windowLengthSql(granularity);
  const rowsOf = sql`${metricTable(granularity)} as v
      where v.token = t.token and v.time >= lower(t.windows) and v.time < upper(t.windows)`;
  const lacking = sql.raw(
    catalogue.metrics
      .map(({ column }) => pg.escapeIdentifier(column))
      .map((column) => `range_agg(windows) filter (where ${column} is null) as ${column}`)
      .join(', '),
  );
  return sql`
  select t.token, m.metric, part.gap, ${text('empty at the source')} as reason, null::text as detail
  from ${question.tokens} as t,
  lateral (
    select range_agg(tstzrange(first, last + ${length})) as windows
    from (
      select min(time) as first, max(time) as last
      from (
        select v.time, v.time - row_number() over (order by v.time) * ${length} as stretch from ${rowsOf}
      ) as numbered
      group by stretch
    ) as stretches
  ) as present,
  lateral (
    select ${lacking}
    from (
      select tstzrange(v.time, v.time + ${length}) as windows, ${columnList(catalogue)}
      from ${rowsOf} and num_nulls(${columnList(catalogue)}) > 0
    ) as partial
  ) as lacking,
  unnest(t.metrics) as m (metric),
  ${coverage} as c ${inQuarantine(question)},
  lateral (select tstzmultirange(t.windows * tstzrange(t.first, null)) * c.answered as windows) as asked,
  lateral unnest(
    asked.windows - coalesce(present.windows, '{}')
      + asked.windows * coalesce(${byMetric(catalogue, 'lacking')}, '{}')
      - coalesce(q.windows, '{}')
  ) as part (gap)
  where ${isAnswered(question)} and not t.unavailable`;
};

const unavailable: Branch = (question) => sql`
  select t.token, m.metric, t.windows as gap, ${text('not available')} as reason, null::text as detail
  from ${question.tokens} as t, unnest(t.metrics) as m (metric)
  where t.unavailable and not isempty(t.windows)`;

const branches: readonly { readonly reasons: readonly GapReason[]; readonly branch: Branch }[] = [
  { reasons: ['not asked yet', 'failed', 'not entitled', 'not in this API version'], branch: unanswered },
  { reasons: ['suspect'], branch: suspect },
  { reasons: ['quarantined'], branch: quarantine },
  { reasons: ['dropped here'], branch: removedHere },
  { reasons: ['empty at the source'], branch: empty },
  { reasons: ["before the token's history"], branch: beforeHistory },
  { reasons: ['not available'], branch: unavailable },
];

/** Gaps of these reasons: rows of `token`, `metric`, `gap` (a range), `reason` and `detail`; no cell stands twice. */
export function gapsOf(question: GapQuestion, reasons: readonly GapReason[] = gapReasons): SQL {
  const needed = branches.filter((each) => each.reasons.some((reason) => reasons.includes(reason)));
  return sql.join(
    needed.map(({ branch }) => branch(question)),
    sql` union all `,
  );
}
