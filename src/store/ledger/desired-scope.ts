import { getTableColumns, notInArray, type SQL, type SQLWrapper, sql } from 'drizzle-orm';
import type { PgInsertValue } from 'drizzle-orm/pg-core';
import { type ApiVersion, type Granularity, granularities } from '../../catalog/index.ts';
import type { Keep } from '../../planning/plan.ts';
import type { Database } from '../connection/database.ts';
import type { Reader } from '../connection/reader.ts';
import { metricCatalog, wanted } from '../schema/index.ts';
import { excluded, inMilliseconds, intervalOf } from '../schema/sql.ts';
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
  return database.transaction(async (tx) => {
    if (onlyIfEmpty) {
      const before = await database.run('count wanted', (db) => db.$count(wanted), tx);
      if (before > 0) return false;
    }
    const { granularities: named } = desired;
    const gone = await database.run(
      'drop wanted',
      (db) =>
        db
          .delete(wanted)
          .where(notInArray(wanted.granularity, [...named]))
          .returning(),
      tx,
    );
    const stored = await database.run(
      'store wanted',
      (db) =>
        db
          .insert(wanted)
          .values(named.map((granularity) => rowOf(desired, granularity)))
          .onConflictDoUpdate({ target: wanted.granularity, set: told, setWhere: differs })
          .returning(),
      tx,
    );
    return gone.length + stored.length > 0;
  });
}

const { granularity: _, ...told } = excluded(wanted);
const { granularity: __, ...columns } = getTableColumns(wanted);
const list = (parts: readonly SQLWrapper[]) => sql.join([...parts], sql`, `);
const differs = sql`(${list(Object.values(columns))}) is distinct from (${list(Object.values(told))})`;

function rowOf(desired: DesiredScope, granularity: Granularity): PgInsertValue<typeof wanted> {
  const { historyStart, settleDelay, lookbackWindows, tokens, metrics, apiVersion, keep } = desired;
  const age = keep?.[granularity];
  return {
    granularity,
    historyStart,
    settleDelay: intervalOf(settleDelay),
    lookbackWindows: lookbackWindows ?? null,
    tokens: tokens === 'all' ? null : [...tokens],
    metrics: [...metrics],
    keep: age === undefined ? null : intervalOf(age),
    apiVersion,
  };
}

/** Codes wanted by a row of `wanted`, here `row`, that the version of the API spoken does not have; never NULL. */
export function unservedOf(row: SQL): SQL {
  return sql`coalesce((
    select array_agg(${metricCatalog.code}) from ${metricCatalog}
    where ${metricCatalog.code} = any (${row}.metrics) and ${row}.api_version <> all (${metricCatalog.versions})
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
export async function readDesiredScope(reader: Reader, stated: StatedScope): Promise<DesiredScope> {
  const { granularity, historyStart, settleDelay, tokens, metrics, apiVersion, keep } =
    getTableColumns(wanted);
  const rows = await reader.run('read wanted', (db) =>
    db
      .select({
        ...{ granularity, historyStart, tokens, metrics, apiVersion },
        settleDelay: inMilliseconds(settleDelay),
        keep: sql<number | null>`${inMilliseconds(keep)}`,
      })
      .from(wanted),
  );
  const [stored] = rows;
  if (stored === undefined) return stated;
  const choose = <T>(name: string, here: T, there: T) => (stated.given.has(name) ? here : there);
  const filled = granularities.filter((name) => rows.some((row) => row.granularity === name));
  return {
    ...stated,
    granularities: choose('GRANULARITIES', stated.granularities, filled),
    historyStart: choose('HISTORY_START', stated.historyStart, stored.historyStart),
    settleDelay: choose('SETTLE_DELAY', stated.settleDelay, stored.settleDelay),
    tokens: choose('TOKENS', stated.tokens, stored.tokens ?? 'all'),
    metrics: choose('METRICS', stated.metrics, stored.metrics),
    keep: Object.fromEntries(
      granularities.map((name) => {
        const there = rows.find((row) => row.granularity === name)?.keep ?? undefined;
        return [name, choose(`KEEP_${name.toUpperCase()}`, stated.keep?.[name], there)];
      }),
    ),
    apiVersion: choose('CRYPTORACLE_API_VERSION', stated.apiVersion, stored.apiVersion ?? stated.apiVersion),
  };
}
