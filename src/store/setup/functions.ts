import pg from 'pg';
import { bundledCatalogue, type Catalogue, granularities } from '../../catalog/index.ts';
import type { Connection } from '../connection/connection.ts';
import { errorCode } from '../connection/errors.ts';

/** SQL functions of the schema; made anew at every `migrate`, since they derive from the catalogue. */

/**
 * Always true, and dear in the planner's eyes. A condition with it makes PostgreSQL look at few rows and prefer the one
 * index that leads to them: see `latest_…` in `views/metrics.ts`.
 */
const costlyStatements = `
  create or replace function cryptoracle.costly(anything text) returns boolean
  language plpgsql immutable parallel safe cost 5000
  as 'begin return true; end';
  comment on function cryptoracle.costly(text) is
    'Always true; part of the views latest_…, where it steers the planner to the index of token and time';
  grant execute on function cryptoracle.costly(text) to public`;

/** Ends a statement that names a granularity which there is not: nothing found would look like nothing known. */
const refusalStatements = `
  create or replace function cryptoracle.refuse_granularity(granularity text) returns boolean
  language plpgsql stable parallel safe
  as $function$
  begin
    raise exception 'there is no granularity ''%''; there are ${granularities.join(', ')}', coalesce(granularity, 'NULL')
      using errcode = 'invalid_parameter_value';
  end
  $function$;
  comment on function cryptoracle.refuse_granularity(text) is 'Always an error; part of as_of';
  grant execute on function cryptoracle.refuse_granularity(text) to public`;

/**
 * When the API's day starts. A plain statement, so that PostgreSQL writes it into the query that calls it and reads the
 * fact once.
 */
const dayStartStatements = `
  create or replace function cryptoracle.day_start() returns interval
  language sql stable parallel safe
  as $function$
    select coalesce(
      (select case fact.value when '00:00' then interval '0' else interval '8 hours' end
       from cryptoracle.facts as fact where fact.name = 'day_start'),
      interval '8 hours')
  $function$;
  comment on function cryptoracle.day_start() is
    'From Beijing midnight to the start of a 1d window: 8 hours, or none; see the fact day_start';
  grant execute on function cryptoracle.day_start() to public`;

/**
 * A label that is JSON, as such. Where the API cut one short, a cast would end the question about all tokens. Its handler
 * opens a subtransaction, which parallel plans may not.
 */
const labelStatements = `
  create or replace function cryptoracle.label_json(label text) returns jsonb
  language plpgsql immutable strict parallel unsafe
  as $function$
  begin
    return label::jsonb;
  exception when data_exception or program_limit_exceeded then
    return null;
  end
  $function$;
  comment on function cryptoracle.label_json(text) is
    'A label of token_tags as JSON; NULL where it is plain text or was cut short';
  grant execute on function cryptoracle.label_json(text) to public`;

/** Makes the functions. A new metric changes what they return, and only then they are dropped first. */
export async function createFunctions(connection: Connection, catalogue: Catalogue): Promise<void> {
  await connection.query('make functions', costlyStatements);
  await connection.query('make functions', refusalStatements);
  await connection.query('make functions', dayStartStatements);
  await connection.query('make functions', labelStatements);
  try {
    await connection.query('make functions', asOfStatements(catalogue));
  } catch (error) {
    const resultChanged = '42P13';
    if (errorCode(error) !== resultChanged) throw error;
    await connection.query(
      'make functions',
      `drop function cryptoracle.as_of(text, timestamptz); ${asOfStatements(catalogue)}`,
    );
  }
}

/**
 * A value as it was known at the instant, of the row `m` with its later revisions `u`. Most rows have nothing to undo, which
 * one look tells.
 */
const valueAt = (column: string) =>
  `case
          when m.seen_later is null and u.token is null then m.${column}
          when (m.seen_later ->> '${column}')::timestamptz > $2 then null
          when u.${column}_revised then u.${column}_before
          else m.${column}
        end`;

/**
 * `as_of(granularity, at)`: the metric table as it was known at an instant. Rows that were first seen later are left
 * out, and so are values that came to their row later; a value that was revised later is the one before its first later
 * revision.
 *
 * PostgreSQL writes its text into the query that calls it, as if it were a view, so that a condition on token or time is
 * met by the tables' indexes. For that it must be one statement of SQL, with no setting of its own.
 */
function asOfStatements({ metrics }: Catalogue): string {
  const columns = metrics.map(({ column }) => column);
  const results = ['"time" timestamptz', 'token text', ...columns.map((column) => `${column} float8`)];
  const undone = metrics.map(
    ({ code, column }) => `
        bool_or(metric = ${pg.escapeLiteral(code)}) as ${column}_revised,
        max(old) filter (where metric = ${pg.escapeLiteral(code)}) as ${column}_before`,
  );
  const selections = granularities.map(
    (granularity) => `
      select m."time", m.token,
        ${columns.map(valueAt).join(',\n        ')},
        m.first_seen_at, m.backfilled
      from cryptoracle.metrics_${granularity} as m
      left join undone as u on u.token = m.token and u."time" = m."time"
      where $1 = '${granularity}' and m.first_seen_at <= $2`,
  );
  const names = granularities.map((name) => `'${name}'`).join(', ');
  const refusal = `
      select ${Array.from({ length: columns.length + 4 }, () => 'null').join(', ')}
      where ($1 in (${names})) is not true and cryptoracle.refuse_granularity($1)`;
  return `
    create or replace function cryptoracle.as_of(granularity text, at timestamptz)
    returns table (${results.join(', ')}, first_seen_at timestamptz, backfilled boolean)
    language sql stable parallel safe
    as $function$
      with later as (
        -- The first revision after the instant holds in "old" what was known at it.
        select distinct on (r.token, r."time", r.metric) r.token, r."time", r.metric, r.old
        from cryptoracle.revisions as r
        where r.granularity = $1 and r.revised_at > $2
        order by r.token, r."time", r.metric, r.revised_at, r.id
      ), undone as (
        select token, "time",${undone.join(',')}
        from later
        group by token, "time"
      )
      ${[...selections, refusal].join('\n      union all')}
    $function$;
    comment on function cryptoracle.as_of(text, timestamptz) is
      'The metrics of a granularity as they were known at an instant, each value by itself: NULL where it came to its row later (seen_later), the value before where it was revised later. Rows that were loaded as history (backfilled) are known from the moment they were loaded, whatever the market could know';
    grant execute on function cryptoracle.as_of(text, timestamptz) to public`;
}

/** The functions as they are with the bundled metrics alone. */
export const bundledFunctions: readonly string[] = [
  ...[costlyStatements, refusalStatements, dayStartStatements, labelStatements],
  asOfStatements(bundledCatalogue),
];
