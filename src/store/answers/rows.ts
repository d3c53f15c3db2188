import { type SQL, sql } from 'drizzle-orm';
import pg from 'pg';
import type { AnsweredRow } from '../../api/decode.ts';
import type { Catalogue, Granularity, Metric, Token } from '../../catalog/index.ts';
import type { DataRequest } from '../../planning/request.ts';
import type { Instant } from '../../time.ts';
import type { Database, Transaction } from '../connection/database.ts';
import { findTouched } from '../ledger/coverage.ts';
import { CopyRows } from '../schema/binary.ts';
import { coverage, revisions } from '../schema/index.ts';
import {
  columnNames,
  float8Array,
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
  /** As `merged`, of `m` and `i`. */
  readonly mergedWithIncoming: SQL;
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
    mergedWithIncoming: sql.raw(list((column) => `coalesce(i.${column}, m.${column})`)),
    assignments: sql.raw(list((column) => `${column} = coalesce(excluded.${column}, m.${column})`)),
    oldAndNew: sql.raw(list((column, { code }) => `(${pg.escapeLiteral(code)}, m.${column}, i.${column})`)),
    cameLater: sql.raw(`jsonb_object(
      array[${list((_, metric) => pg.escapeLiteral(metric.column))}],
      array[${list((column) => `case when m.${column} is null and excluded.${column} is not null then ${knownFrom}::text end`)}])`),
  };
  built.set(catalogue, parts);
  return parts;
}

/** How rows come to the tables. */
export interface WritingRules {
  /** Whether rows may be there that the ledger knows nothing of: then none is copied, which would fail. */
  readonly mayBeThere: boolean;
}

/**
 * Writes new rows and changed values; a value that is absent now never overwrites one that was there. Whoever calls it holds
 * the locks of the tokens, and enters the coverage afterwards. No two answers are about the same cells.
 *
 * @returns what was written of each answer
 * @throws a unique violation where rows are there that the ledger knows nothing of, unless the rules say that they may be
 */
export async function writeRows(
  database: Database,
  answers: readonly RowsToWrite[],
  { mayBeThere }: WritingRules,
  tx: Transaction,
): Promise<WrittenRows[]> {
  const valued = answers.map((answer) => ({
    ...answer,
    rows: answer.rows.filter((row) => row.values.some((value) => value !== null)),
  }));
  const withRows = valued.filter(({ rows }) => rows.length > 0);
  if (withRows.length === 0) return answers.map(() => ({ rowsWritten: 0, revisions: 0 }));
  // A first answer needs no search for what it changes, and copying takes a third of the time of an insert.
  const known = mayBeThere ? new Set(withRows) : await answeredBefore(database, withRows, tx);
  const written = new Map<RowsToWrite, WrittenRows>();
  for (const granularity of new Set(withRows.map(({ request }) => request.granularity))) {
    const alike = withRows.filter(({ request }) => request.granularity === granularity);
    const first = alike.filter((answer) => !known.has(answer));
    const again = alike.filter((answer) => known.has(answer));
    await copyRows(database, granularity, first, tx);
    for (const answer of first) written.set(answer, { rowsWritten: answer.rows.length, revisions: 0 });
    for (const [position, changed] of (await changedRows(database, granularity, again, tx)).entries()) {
      const answer = again[position];
      if (answer === undefined || changed.length === 0) continue;
      written.set(answer, await mergeRows(database, answer, changed, tx));
    }
  }
  return valued.map((answer) => written.get(answer) ?? { rowsWritten: 0, revisions: 0 });
}

/** Copies rows none of which is there. @throws a unique violation where one is */
async function copyRows(
  database: Database,
  granularity: Granularity,
  answers: readonly RowsToWrite[],
  tx: Transaction,
): Promise<void> {
  if (answers.length === 0) return;
  const { metrics } = database.catalogue;
  const columns = metrics.map(({ column }) => pg.escapeIdentifier(column)).join(', ');
  const data = new CopyRows();
  for (const { rows, storedAt, observedFrom } of answers) {
    for (const { time, token, values } of rows) {
      data.row(metrics.length + 5);
      data.timestamptz(time);
      data.text(token);
      for (let position = 0; position < metrics.length; position++) data.float8(values[position] ?? null);
      data.timestamptz(storedAt);
      data.timestamptz(storedAt);
      data.boolean(time < observedFrom);
    }
  }
  await database.copy(
    'copy rows',
    `copy cryptoracle.metrics_${granularity} (time, token, ${columns}, first_seen_at, updated_at, backfilled)
     from stdin (format binary)`,
    data.end(),
    tx,
  );
}

/**
 * The rows that would change what is stored: looked for beforehand, since even an update that does nothing locks its row,
 * and decompresses it where it is compressed.
 *
 * @returns those of each answer
 */
async function changedRows(
  database: Database,
  granularity: Granularity,
  answers: readonly RowsToWrite[],
  tx: Transaction,
): Promise<AnsweredRow[][]> {
  if (answers.length === 0) return [];
  const { catalogue } = database;
  const { present, mergedWithIncoming } = sqlOf(catalogue);
  const rows = answers.flatMap((answer) => answer.rows);
  const times = rows.map(({ time }) => time);
  const found = await database.query<{ place: number }>(
    'look for changes',
    sql`
      with ${incoming(rows, catalogue)}
      select i.place::int
      from incoming as i
      -- The bounds tell which chunks are meant before any is read.
      left join ${metricTable(granularity)} as m on m.token = i.token and m.time = i.time
        and m.time >= ${timestamptz(Math.min(...times))} and m.time <= ${timestamptz(Math.max(...times))}
      where (${present}) is distinct from (${mergedWithIncoming})`,
    tx,
  );
  const changed = new Set(found.map(({ place }) => rows[place - 1]));
  return answers.map((answer) => answer.rows.filter((row) => changed.has(row)));
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
function coverageOf({ granularity, tokens, interval }: DataRequest): SQL {
  return sql`
    select ${coverage.token}, ${coverage.metric}, ${coverage.answered}
    from ${coverage}
    where ${coverage.granularity} = ${granularity}
      and ${coverage.token} = any (${textArray(tokens)})
      and ${coverage.answered} && ${tstzrangeOf(interval)}`;
}

/** The answers whose windows have been answered before for some of their tokens. */
async function answeredBefore(
  database: Database,
  answers: readonly RowsToWrite[],
  tx: Transaction,
): Promise<ReadonlySet<RowsToWrite>> {
  const touched = await findTouched(
    database,
    'was answered before',
    answers.map(({ request }) => request),
    [[coverage, coverage.answered]],
    tx,
  );
  return new Set(answers.filter((_, position) => touched.has(position)));
}

function incoming(rows: readonly AnsweredRow[], catalogue: Catalogue): SQL {
  const values = catalogue.metrics.map(
    (_, position) => sql`${float8Array(rows.map((row) => row.values[position]))}`,
  );
  return sql`
    incoming (time, token, ${sqlOf(catalogue).columns}, place) as (
      select * from unnest(
        ${timestamptzArray(rows.map((row) => row.time))},
        ${textArray(rows.map((row) => row.token))},
        ${sql.join(values, sql`, `)}
      ) with ordinality
    )`;
}

/**
 * A value that differs from the one we have, or that was asked for before and was not there. All else is a first answer,
 * also where its row was there already: `seen_later` tells when it came.
 */
function revise({ request, storedAt }: RowsToWrite, catalogue: Catalogue): SQL {
  return sql`
    answered_before as materialized (${coverageOf(request)}),
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
