import { sql } from 'drizzle-orm';
import type { Database } from './database.ts';
import type { Wishes } from './status.ts';

/**
 * Keeps what the settings want in the database, for the view `gaps`. Writes nothing where it stands there already.
 *
 * @param onlyIfEmpty leaves what another process has written
 */
export async function storeWanted(
  database: Database,
  wishes: Wishes,
  { onlyIfEmpty = false }: { readonly onlyIfEmpty?: boolean } = {},
): Promise<void> {
  const { granularities, historyStart, settleDelay, tokens, metrics } = wishes;
  await database.query(
    'store wanted',
    sql`
      with gone as (
        delete from cryptoracle.wanted
        where granularity <> all (${sql.param(granularities)}::text[]) and not ${onlyIfEmpty}::boolean
      )
      insert into cryptoracle.wanted as w (granularity, history_start, settle_delay, tokens, metrics)
      select granularity, ${new Date(historyStart).toISOString()}::timestamptz, ${settleDelay} * interval '1 ms',
        ${tokens === 'all' ? null : sql.param(tokens)}::text[], ${sql.param(metrics)}::text[]
      from unnest(${sql.param(granularities)}::text[]) as granularity
      where not ${onlyIfEmpty}::boolean or not exists (select from cryptoracle.wanted)
      on conflict (granularity) do update
        set history_start = excluded.history_start, settle_delay = excluded.settle_delay,
          tokens = excluded.tokens, metrics = excluded.metrics
        where (w.history_start, w.settle_delay, w.tokens, w.metrics)
          is distinct from (excluded.history_start, excluded.settle_delay, excluded.tokens, excluded.metrics)`,
  );
}
