import { granularities } from '../../catalog/index.ts';
import type { Connection } from '../connection/connection.ts';
import { dayOf } from '../ledger/dropped.ts';

/**
 * `retire(what, before)`: removes values or notes that are older than they are kept, see `ledger/retention.ts`. It runs
 * with the rights of its owner, since a worker may neither delete values nor drop chunks; what is younger than a day it
 * leaves alone.
 */
const names = granularities.map((name) => `'${name}'`).join(', ');

const retireStatements = `
  create or replace function cryptoracle.retire(what text, before timestamptz) returns bigint
  language plpgsql security definer set search_path = pg_catalog, pg_temp
  as $function$
  declare
    extension_schema text;
    is_hypertable boolean := false;
    removed bigint := 0;
  begin
    if before is null or before > now() - interval '23 hours' then
      raise exception 'nothing younger than a day is removed' using errcode = 'invalid_parameter_value';
    end if;
    if what in (${names}) then
      select nspname into extension_schema
      from pg_extension join pg_namespace as n on n.oid = extnamespace where extname = 'timescaledb';
      if extension_schema is not null then
        execute 'select exists (select from timescaledb_information.hypertables
          where hypertable_schema = ''cryptoracle'' and hypertable_name = $1)'
        into is_hypertable using 'metrics_' || what;
      end if;
      if is_hypertable then
        execute format('select count(*) from %I.drop_chunks(%L::regclass, older_than => $1)',
          extension_schema, 'cryptoracle.metrics_' || what) into removed using before;
      else
        -- Some at a time: one transaction for all would take long the first time.
        execute format($statement$delete from cryptoracle.%1$I where "time" < least($1,
          (select date_trunc('day', min("time"), 'UTC') from cryptoracle.%1$I) + interval '30 days')$statement$, 'metrics_' || what)
        using before;
        get diagnostics removed = row_count;
      end if;
      return removed;
    end if;
    case what
      when 'requests' then delete from cryptoracle.requests where sent_at < before;
      when 'revisions' then delete from cryptoracle.revisions where revised_at < before;
      when 'quarantine' then delete from cryptoracle.quarantine where last_seen_at < before;
      when 'quality_notes' then delete from cryptoracle.quality_notes where noted_at < before;
      when 'events' then delete from cryptoracle.events where until < before and not is_open;
    end case;
    get diagnostics removed = row_count;
    return removed;
  end
  $function$;
  comment on function cryptoracle.retire(text, timestamptz) is
    'Removes values of a granularity, or rows of requests, revisions, quarantine, quality_notes or events, that are older; a tool of the program';
  revoke all on function cryptoracle.retire(text, timestamptz) from public;
  do $$ begin
    grant execute on function cryptoracle.retire(text, timestamptz) to cryptoracle_worker;
  exception when undefined_object then null;
  end $$`;

export async function createRetire(connection: Connection): Promise<void> {
  await connection.query('make functions', retireStatements);
}

/** Notes which days have values, where that was never noted: so that days which lose theirs are noticed. */
export async function noteDaysOnce(connection: Connection): Promise<void> {
  for (const granularity of granularities) {
    await connection.query(
      'note stored days',
      `insert into cryptoracle.stored_days (granularity, days)
       select $1, coalesce(range_agg(tstzrange(day, day + interval '24 hours')), '{}')
       from (select distinct ${dayOf(granularity, '"time"')} as day from cryptoracle.metrics_${granularity}) as days
       where not exists (select from cryptoracle.stored_days where granularity = $1)
       having not exists (select from cryptoracle.stored_days where granularity = $1)`,
      [granularity],
    );
  }
}
