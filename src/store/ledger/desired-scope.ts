import { type SQL, sql } from 'drizzle-orm';
import {
  type ApiVersion,
  type Granularity,
  granularities,
  type MetricCode,
  type Token,
} from '../../catalog/index.ts';
import type { Keep } from '../../planning/plan.ts';
import type { Database } from '../connection/database.ts';
import type { ScopeChoice } from './scope.ts';

/** What of the settings decides what is wanted: status and gaps are measured against it. */
export interface DesiredScope extends ScopeChoice {
  readonly granularities: readonly Granularity[];
  /** Milliseconds since the epoch. */
  readonly historyStart: number;
  /** Milliseconds. */
  readonly settleDelay: number;
  /** Absent: not known. */
  readonly lookbackWindows?: number;
  readonly apiVersion: ApiVersion;
  /** How long windows are wanted; absent: for good. */
  readonly keep?: Keep;
}

/**
 * Keeps what the settings want in the database, for the view `gaps`. Writes nothing where it stands there already.
 *
 * @param onlyIfEmpty leaves what another process has written
 * @returns whether something else is wanted now
 */
export async function storeDesiredScope(
  database: Database,
  desired: DesiredScope,
  { onlyIfEmpty = false }: { readonly onlyIfEmpty?: boolean } = {},
): Promise<boolean> {
  const { historyStart, settleDelay, lookbackWindows, tokens, metrics, keep = {} } = desired;
  const ages = desired.granularities.map((granularity) => keep[granularity] ?? null);
  const [row] = await database.query<{ changed: number }>(
    'store wanted',
    sql`
      with gone as (
        delete from cryptoracle.wanted
        where granularity <> all (${sql.param(desired.granularities)}::text[]) and not ${onlyIfEmpty}::boolean
        returning 1
      ), kept as (
      insert into cryptoracle.wanted as w
        (granularity, history_start, settle_delay, lookback_windows, tokens, metrics, keep, api_version)
      select granularity, ${new Date(historyStart).toISOString()}::timestamptz, ${settleDelay} * interval '1 ms',
        ${lookbackWindows ?? null}::integer, ${tokens === 'all' ? null : sql.param(tokens)}::text[],
        ${sql.param(metrics)}::text[], age * interval '1 ms', ${desired.apiVersion}
      from unnest(${sql.param(desired.granularities)}::text[], ${sql.param(ages)}::float8[]) as kept (granularity, age)
      where not ${onlyIfEmpty}::boolean or not exists (select from cryptoracle.wanted)
      on conflict (granularity) do update
        set history_start = excluded.history_start, settle_delay = excluded.settle_delay,
          lookback_windows = excluded.lookback_windows, tokens = excluded.tokens, metrics = excluded.metrics,
          keep = excluded.keep, api_version = excluded.api_version
        where (w.history_start, w.settle_delay, w.lookback_windows, w.tokens, w.metrics, w.keep, w.api_version)
          is distinct from (excluded.history_start, excluded.settle_delay, excluded.lookback_windows, excluded.tokens,
            excluded.metrics, excluded.keep, excluded.api_version)
        returning 1
      )
      select ((select count(*) from gone) + (select count(*) from kept))::int as changed`,
  );
  return (row?.changed ?? 0) > 0;
}

/** Codes wanted by a row of `wanted`, here `row`, that the version of the API spoken does not have; never NULL. */
export function unservedOf(row: SQL): SQL {
  return sql`coalesce((
    select array_agg(known.code) from cryptoracle.metric_catalog as known
    where known.code = any (${row}.metrics) and ${row}.api_version <> all (known.versions)
  ), '{}')`;
}

/** Whether a pipeline, or a person's backfill, has said what is wanted. */
export async function isAnythingWanted(database: Database): Promise<boolean> {
  const [row] = await database.query<{ wanted: boolean }>(
    'is anything wanted',
    sql`select exists (select from cryptoracle.wanted) as wanted`,
  );
  return row?.wanted ?? false;
}

/** What the settings want, and by which settings it was said rather than left to the default. */
export interface StatedScope extends DesiredScope {
  /** Names of settings. */
  readonly given: ReadonlySet<string>;
}

/**
 * What is wanted: what the settings here say; where they say nothing, what the pipeline that fills the database was told.
 * So whoever looks from another machine, or at the demo's data, measures against the same as the view `gaps`.
 */
export async function readDesiredScope(database: Database, stated: StatedScope): Promise<DesiredScope> {
  const rows = await database.query<{
    granularity: Granularity;
    history_start: number;
    settle_delay: number;
    tokens: Token[] | null;
    metrics: MetricCode[];
    keep: number | null;
    api_version: ApiVersion | null;
  }>(
    'read wanted',
    sql`
      select granularity, (extract(epoch from history_start) * 1000)::float8 as history_start,
        (extract(epoch from settle_delay) * 1000)::float8 as settle_delay, tokens, metrics, api_version,
        (extract(epoch from keep) * 1000)::float8 as keep
      from cryptoracle.wanted`,
  );
  const [stored] = rows;
  if (stored === undefined) return stated;
  const choose = <T>(name: string, here: T, there: T) => (stated.given.has(name) ? here : there);
  const filled = granularities.filter((name) => rows.some(({ granularity }) => granularity === name));
  return {
    ...stated,
    granularities: choose('GRANULARITIES', stated.granularities, filled),
    historyStart: choose('HISTORY_START', stated.historyStart, stored.history_start),
    settleDelay: choose('SETTLE_DELAY', stated.settleDelay, stored.settle_delay),
    tokens: choose('TOKENS', stated.tokens, stored.tokens ?? 'all'),
    metrics: choose('METRICS', stated.metrics, stored.metrics),
    keep: Object.fromEntries(
      granularities.map((granularity) => {
        const there = rows.find((row) => row.granularity === granularity)?.keep ?? undefined;
        return [granularity, choose(`KEEP_${granularity.toUpperCase()}`, stated.keep?.[granularity], there)];
      }),
    ),
    apiVersion: choose('CRYPTORACLE_API_VERSION', stated.apiVersion, stored.api_version ?? stated.apiVersion),
  };
}
