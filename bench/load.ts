import {
  type Granularity,
  granularities,
  metricCodes,
  metrics,
  type Token,
  tags,
} from '../src/catalog/index.ts';
import type { Database } from '../src/store/connection/database.ts';
import { windowLengths } from '../src/store/schema/sql.ts';

/** Values by the million, made by the database itself: what is measured is reading, not the pipeline. */

/** Days that one statement loads. */
const stretch = 30;

export interface Amount {
  /** Days up to the newest midnight in Beijing. */
  readonly days: number;
  readonly tokens: readonly Token[];
}

/** Made-up values that compress about as well as real ones: whole counts, ratios of four digits. */
const values: Readonly<Record<(typeof metrics)[number]['kind'], string>> = {
  rank: '1 + floor(random() * 200)',
  change: 'floor(random() * 21) - 10',
  count: 'floor(random() * random() * 3000)',
  ratio: 'round(random()::numeric, 4)::float8',
  difference: 'round((random() * 2 - 1)::numeric, 4)::float8',
  score: 'round(random()::numeric, 4)::float8',
};

export interface Load {
  /** Values stored, and how long that took. */
  readonly values: number;
  readonly seconds: number;
}

/**
 * Fills the four metric tables up to the newest Beijing midnight, the ledger, the tags and the log of requests, and
 * compresses what the policies would have. Does nothing where there are rows already.
 */
export async function load(
  database: Database,
  amount: Amount,
  say: (line: string) => void = () => {},
  compression: 'as the policies' | 'leave fresh' = 'as the policies',
): Promise<Load> {
  const started = performance.now();
  const { rows } = await database.pool.query('select from cryptoracle.metrics_1d limit 1');
  if (rows.length === 0) {
    for (const granularity of granularities) {
      await loadGranularity(database, granularity, amount);
      say(`${granularity} loaded`);
    }
    await loadLedger(database, amount);
    if (compression === 'as the policies') await compress(database);
    await database.pool.query('vacuum analyze');
  }
  const counts = granularities.map(
    (granularity) => `(select count(*) from cryptoracle.metrics_${granularity})`,
  );
  const { rows: counted } = await database.pool.query<{ count: number }>(
    `select (${counts.join(' + ')})::float8 as count`,
  );
  return {
    values: (counted[0]?.count ?? 0) * metrics.length,
    seconds: (performance.now() - started) / 1000,
  };
}

/** Midnight in Beijing, so many days before the newest one. */
const midnight = (daysBefore: number) =>
  `(date_trunc('day', now(), 'Asia/Shanghai') - interval '${daysBefore * 24} hours')`;

async function loadGranularity(
  database: Database,
  granularity: Granularity,
  { days, tokens }: Amount,
): Promise<void> {
  const columns = metrics.map(({ column }) => column).join(', ');
  const drawn = metrics.map(({ kind }) => values[kind]).join(', ');
  for (let before = days; before > 0; before -= stretch) {
    const to = Math.max(0, before - stretch);
    await database.pool.query(
      `insert into cryptoracle.metrics_${granularity}
         ("time", token, ${columns}, first_seen_at, updated_at, backfilled)
       select "time", token, ${drawn}, "time" + ${windowLengths[granularity]}, "time", false
       from unnest($1::text[]) as token,
         generate_series(${midnight(before)}, ${midnight(to)} - ${windowLengths[granularity]},
           ${windowLengths[granularity]}) as "time"`,
      [tokens],
    );
  }
}

async function loadLedger(database: Database, { days, tokens }: Amount): Promise<void> {
  await database.pool.query(
    `insert into cryptoracle.coverage (granularity, token, metric, answered)
     select granularity, token, metric, tstzmultirange(tstzrange(${midnight(days)}, ${midnight(0)}))
     from unnest($1::text[]) as granularity, unnest($2::text[]) as token, unnest($3::text[]) as metric`,
    [granularities, tokens, metricCodes],
  );
  await database.pool.query(
    `insert into cryptoracle.token_tags (token, tag, value, first_day, last_day)
     select token, tag, 'label ' || stretch, current_date - 365 + stretch * 90, current_date - 276 + stretch * 90
     from unnest($1::text[]) as token, unnest($2::text[]) as tag, generate_series(0, 3) as stretch`,
    [tokens, tags.map(({ code }) => code)],
  );
  await database.pool.query(
    `insert into cryptoracle.requests
       (sent_at, what, lane, granularity, windows_from, windows_to, tokens, metrics, outcome, code, records, milliseconds)
     select at, 'values', 'live', ($1::text[])[1 + n % 4], at - interval '30 minutes', at - interval '15 minutes',
       $2::text[], $3::text[], case when n % 50 = 0 then 'transient' else 'answered' end, 200, 1989, 300
     from generate_series(1, 60000) as n, lateral (select now() - n * interval '525 seconds') as t (at)`,
    [granularities, tokens.slice(0, 153), metricCodes],
  );
}

/** The work that the policies would have done by now. */
async function compress(database: Database): Promise<void> {
  const { rows } = await database.pool.query("select from pg_extension where extname = 'timescaledb'");
  if (rows.length === 0) return;
  await database.pool.query(
    `select compress_chunk(chunk, if_not_compressed => true)
     from timescaledb_information.jobs as job,
       show_chunks(format('%I.%I', job.hypertable_schema, job.hypertable_name)::regclass,
         older_than => (job.config ->> 'compress_after')::interval) as chunk
     where job.proc_name = 'policy_compression' and job.hypertable_schema = 'cryptoracle'`,
  );
}
