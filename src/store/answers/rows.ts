import { type SQL, sql } from 'drizzle-orm';
import pg from 'pg';
import type { AnsweredRow } from '../../api/decode.ts';
import type { Catalogue, Granularity, Metric, Token } from '../../catalog/index.ts';
import type { DataRequest } from '../../planning/request.ts';
import type { Instant } from '../../time.ts';
import type { Database, Transaction } from '../connection/database.ts';
import { coverage, revisions } from '../schema/index.ts';
import {
  columnNames,
  inMilliseconds,
  metricTable,
  textArray,
  timestamptz,
  timestamptzArray,
  tstzrangeOf,
} from '../schema/sql.ts';

/** Values of a row as they are stored, in the order of the catalogue; `undefined` where there is no such row. */
export async function readRow(
  database: Database,
  granularity: Granularity,
  token: Token,
  time: number,
  tx: Transaction,
): Promise<readonly (number | null)[] | undefined> {
  const [row] = await database.query<{ values: (number | null)[] }>(
    'read row',
    sql`
      select array[${sqlOf(database.catalogue).columns}] as values
      from ${metricTable(granularity)}
      where token = ${token} and time = ${timestamptz(time)}`,
    tx,
  );
  return row?.values;
}

/** The row of the newest window of a granularity, of any token; `undefined` where there is none. Time is in milliseconds. */
export async function readNewestRow(
  database: Database,
  granularity: Granularity,
): Promise<
  { readonly token: Token; readonly time: number; readonly values: readonly (number | null)[] } | undefined
> {
  const [row] = await database.query<{ token: Token; time: number; values: (number | null)[] }>(
    'read newest row',
    sql`
      select token, ${inMilliseconds(sql`time`)} as time, array[${sqlOf(database.catalogue).columns}] as values
      from ${metricTable(granularity)}
      order by time desc limit 1`,
  );
  return row;
}

/** Values of one answer, as far as the metric tables are concerned. */
export interface RowsToWrite {
  readonly request: DataRequest;
  readonly rows: readonly AnsweredRow[];
  /** From when on the values count as known here. */
  readonly storedAt: Instant;
  readonly observedFrom: Instant;
}

export interface WrittenRows {
  /** Rows that were new or changed. */
  readonly rowsWritten: number;
  readonly revisions: number;
}

/** The parts of the statements that depend on the catalogue only. */
interface CatalogueSql {
  readonly columns: SQL;
  readonly present: SQL;
  readonly merged: SQL;
  readonly assignments: SQL;
  /** A row of code, old and new value for each metric, of `m` and `i`. */
  readonly oldAndNew: SQL;
  /** An object of column and instant for each metric that comes to a row which is there already; null for the others. */
  readonly cameLater: SQL;
}

/** From when on a change of the row counts as known: clocks of several processes differ, and no change precedes another. */
const knownFrom = 'greatest(excluded.updated_at, m.updated_at)';

const built = new WeakMap<Catalogue, CatalogueSql>();

/** Built once for each catalogue, as text: it is the same in every statement, and Drizzle would put it together each time. */
function sqlOf(catalogue: Catalogue): CatalogueSql {
  const known = built.get(catalogue);
  if (known !== undefined) return known;
  const list = (of: (column: string, metric: Metric) => string) =>
    catalogue.metrics.map((metric) => of(pg.escapeIdentifier(metric.column), metric)).join(', ');
  const parts = {
    columns: sql.raw(list((column) => column)),
    present: sql.raw(list((column) => `m.${column}`)),
    merged: sql.raw(list((column) => `coalesce(excluded.${column}, m.${column})`)),
    assignments: sql.raw(list((column) => `${column} = coalesce(excluded.${column}, m.${column})`)),
    oldAndNew: sql.raw(list((column, { code }) => `(${pg.escapeLiteral(code)}, m.${column}, i.${column})`)),
    cameLater: sql.raw(`jsonb_object(
      array[${list((_, metric) => pg.escapeLiteral(metric.column))}],
      array[${list((column) => `case when m.${column} is null and excluded.${column} is not null then ${knownFrom}::text end`)}])`),
  };
  built.set(catalogue, parts);
  return parts;
}

/**
 * Writes new rows and changed values; a value that is absent now never overwrites one that was there. Whoever calls
 * it holds the locks of the tokens, and enters the coverage afterwards.
 */
export async function writeRows(
  database: Database,
  answer: RowsToWrite,
  tx: Transaction,
): Promise<WrittenRows> {
  const rows = answer.rows.filter((row) => row.values.some((value) => value !== null));
  if (rows.length === 0) return { rowsWritten: 0, revisions: 0 };
  // The search for revisions takes longer than the writing, and a first answer has none.
  if (await wasAnsweredBefore(database, answer.request, tx)) return mergeRows(database, answer, rows, tx);
  const added = await addRows(database, answer, rows, tx);
  if (added === rows.length) return { rowsWritten: added, revisions: 0 };
  // There are rows that the ledger knows nothing of.
  const merged = await mergeRows(database, answer, rows, tx);
  return { ...merged, rowsWritten: added + merged.rowsWritten };
}

/** Writes the rows that are new, and leaves those that are there. @returns how many were new */
async function addRows(
  database: Database,
  answer: RowsToWrite,
  rows: readonly AnsweredRow[],
  tx: Transaction,
): Promise<number> {
  const { catalogue } = database;
  const [written] = await database.query<{ added: number }>(
    'add rows',
    sql`
      with ${incoming(rows, catalogue)}, added as (
        ${insert(answer, catalogue)}
        -- 'do nothing' ends at the first conflict in some versions of TimescaleDB.
        on conflict (token, time) do update set updated_at = m.updated_at where false
        returning 1
      )
      select count(*)::int as added from added`,
    tx,
  );
  return written?.added ?? 0;
}

/** Writes rows that are new and values that differ, with their revisions. */
async function mergeRows(
  database: Database,
  answer: RowsToWrite,
  rows: readonly AnsweredRow[],
  tx: Transaction,
): Promise<WrittenRows> {
  const { catalogue } = database;
  const [written] = await database.query<{ rowsWritten: number; revisions: number }>(
    'write rows',
    sql`
      with ${incoming(rows, catalogue)}, ${revise(answer, catalogue)}, ${merge(answer, catalogue)}
      select
        (select count(*) from written)::int as "rowsWritten",
        (select count(*) from revised)::int as revisions`,
    tx,
  );
  return written ?? { rowsWritten: 0, revisions: 0 };
}

const { granularity: inGranularity, token: ofToken, time: atTime, ...revised } = columnNames(revisions);
const revisionColumns = sql.join(
  [inGranularity, ofToken, atTime, revised.metric, revised.old, revised.new, revised.revisedAt],
  sql`, `,
);

/** Coverage of any metric in the range of the request; where there is none, there are no rows either. */
function answeredBefore({ granularity, tokens, interval }: DataRequest): SQL {
  return sql`
    select ${coverage.token}, ${coverage.metric}, ${coverage.answered}
    from ${coverage}
    where ${coverage.granularity} = ${granularity}
      and ${coverage.token} = any (${textArray(tokens)})
      and ${coverage.answered} && ${tstzrangeOf(interval)}`;
}

async function wasAnsweredBefore(
  database: Database,
  request: DataRequest,
  tx: Transaction,
): Promise<boolean> {
  const [row] = await database.query<{ found: boolean }>(
    'was answered before',
    sql`select exists (${answeredBefore(request)}) as found`,
    tx,
  );
  return row?.found ?? false;
}

function incoming(rows: readonly AnsweredRow[], catalogue: Catalogue): SQL {
  const values = catalogue.metrics.map(
    (_, position) => sql`${sql.param(rows.map((row) => row.values[position] ?? null))}::float8[]`,
  );
  return sql`
    incoming (time, token, ${sqlOf(catalogue).columns}) as (
      select * from unnest(
        ${timestamptzArray(rows.map((row) => row.time))},
        ${textArray(rows.map((row) => row.token))},
        ${sql.join(values, sql`, `)}
      )
    )`;
}

/**
 * A value that differs from the one we have, or that was asked for before and was not there. All else is a first answer,
 * also where its row was there already: `seen_later` tells when it came.
 */
function revise({ request, storedAt }: RowsToWrite, catalogue: Catalogue): SQL {
  return sql`
    answered_before as materialized (${answeredBefore(request)}),
    revised as (
      insert into ${revisions} (${revisionColumns})
      select ${request.granularity}, i.token, i.time, v.metric, v.old, v.new,
        greatest(${timestamptz(storedAt)}, m.updated_at)
      from incoming as i
      left join ${metricTable(request.granularity)} as m on m.token = i.token and m.time = i.time
      cross join lateral (values ${sqlOf(catalogue).oldAndNew}) as v (metric, old, new)
      left join answered_before as a on a.token = i.token and a.metric = v.metric and a.answered @> i.time
      where v.new is not null
        and v.new is distinct from v.old
        and (v.old is not null or a.token is not null)
      returning 1
    )`;
}

function insert({ request, storedAt, observedFrom }: RowsToWrite, catalogue: Catalogue): SQL {
  const { columns } = sqlOf(catalogue);
  const now = sql`${timestamptz(storedAt)}`;
  return sql`
    insert into ${metricTable(request.granularity)} as m (time, token, ${columns}, first_seen_at, updated_at, backfilled)
    select time, token, ${columns}, ${now}, ${now}, time < ${timestamptz(observedFrom)}
    from incoming`;
}

function merge(answer: RowsToWrite, catalogue: Catalogue): SQL {
  const { present, merged, assignments, cameLater } = sqlOf(catalogue);
  return sql`
    written as (
      ${insert(answer, catalogue)}
      on conflict (token, time) do update
        set ${assignments}, updated_at = ${sql.raw(knownFrom)},
          seen_later = case
            when num_nulls(variadic array[${present}]) = num_nulls(variadic array[${merged}]) then m.seen_later
            else coalesce(m.seen_later, '{}') || jsonb_strip_nulls(${cameLater})
          end
        where (${present}) is distinct from (${merged})
      returning 1
    )`;
}
