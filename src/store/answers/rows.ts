import { type SQL, sql } from 'drizzle-orm';
import pg from 'pg';
import type { AnsweredRow } from '../../api/decode.ts';
import { type Catalogue, type Granularity, type Token, windowLength } from '../../catalog/index.ts';
import type { DataRequest } from '../../planning/request.ts';
import type { Database, Transaction } from '../connection/database.ts';

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
      from cryptoracle.${sql.identifier(`metrics_${granularity}`)}
      where token = ${token} and time = ${at(time)}`,
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
      select token, (extract(epoch from time) * 1000)::float8 as time, array[${sqlOf(database.catalogue).columns}] as values
      from cryptoracle.${sql.identifier(`metrics_${granularity}`)}
      order by time desc limit 1`,
  );
  return row;
}

/** Values of one answer, as far as the metric tables are concerned. */
export interface RowsToWrite {
  readonly request: DataRequest;
  readonly rows: readonly AnsweredRow[];
  readonly receivedAt: number;
  readonly observedFrom: number;
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
}

const built = new WeakMap<Catalogue, CatalogueSql>();

/** Built once for each catalogue: it is the same in every statement. */
function sqlOf(catalogue: Catalogue): CatalogueSql {
  const known = built.get(catalogue);
  if (known !== undefined) return known;
  const list = (of: (column: SQL, code: SQL) => SQL) =>
    sql.join(
      catalogue.metrics.map(({ column, code }) =>
        of(sql`${sql.identifier(column)}`, sql.raw(pg.escapeLiteral(code))),
      ),
      sql`, `,
    );
  const parts = {
    columns: list((column) => column),
    present: list((column) => sql`m.${column}`),
    merged: list((column) => sql`coalesce(excluded.${column}, m.${column})`),
    assignments: list((column) => sql`${column} = coalesce(excluded.${column}, m.${column})`),
    oldAndNew: list((column, code) => sql`(${code}, m.${column}, i.${column})`),
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
  const { catalogue } = database;
  // The search for revisions takes longer than the writing, and a first answer has none.
  const statement = (await wasAnsweredBefore(database, answer.request, tx))
    ? sql`
        with ${incoming(rows, catalogue)}, ${revise(answer, catalogue)}, ${write(answer, catalogue)}
        select
          (select count(*) from written)::int as "rowsWritten",
          (select count(*) from revised)::int as revisions`
    : sql`
        with ${incoming(rows, catalogue)}, ${write(answer, catalogue)}
        select (select count(*) from written)::int as "rowsWritten", 0 as revisions`;
  const [written] = await database.query<{ rowsWritten: number; revisions: number }>(
    'write rows',
    statement,
    tx,
  );
  return written ?? { rowsWritten: 0, revisions: 0 };
}

const table = ({ granularity }: DataRequest) => sql`cryptoracle.${sql.identifier(`metrics_${granularity}`)}`;
const at = (instant: number) => new Date(instant).toISOString();

/** Coverage of any metric in the range of the request; where there is none, there are no rows either. */
function answeredBefore({ granularity, tokens, interval }: DataRequest): SQL {
  return sql`
    select token, metric, answered
    from cryptoracle.coverage
    where granularity = ${granularity}
      and token = any (${sql.param(tokens)}::text[])
      and answered && tstzrange(${at(interval.start)}, ${at(interval.end)})`;
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
        ${sql.param(rows.map((row) => at(row.time)))}::timestamptz[],
        ${sql.param(rows.map((row) => row.token))}::text[],
        ${sql.join(values, sql`, `)}
      )
    )`;
}

/**
 * A value that differs from the one we have; a value that was asked for before and was not there; a metric that comes
 * more than a window's length after its row was observed without it. All else is a first answer: requests that divide
 * the metrics of a row between them come one soon after the other.
 */
function revise({ request, receivedAt }: RowsToWrite, catalogue: Catalogue): SQL {
  const together = at(receivedAt - windowLength[request.granularity]);
  return sql`
    answered_before as materialized (${answeredBefore(request)}),
    revised as (
      insert into cryptoracle.revisions (granularity, token, time, metric, old, new, revised_at)
      select ${request.granularity}, i.token, i.time, v.metric, v.old, v.new, ${at(receivedAt)}::timestamptz
      from incoming as i
      left join ${table(request)} as m on m.token = i.token and m.time = i.time
      cross join lateral (values ${sqlOf(catalogue).oldAndNew}) as v (metric, old, new)
      left join answered_before as a on a.token = i.token and a.metric = v.metric and a.answered @> i.time
      where v.new is not null
        and v.new is distinct from v.old
        and (
          v.old is not null
          or a.token is not null
          or (not m.backfilled and m.first_seen_at < ${together}::timestamptz)
        )
      returning 1
    )`;
}

function write({ request, receivedAt, observedFrom }: RowsToWrite, catalogue: Catalogue): SQL {
  const { columns, present, merged, assignments } = sqlOf(catalogue);
  const now = sql`${at(receivedAt)}::timestamptz`;
  return sql`
    written as (
      insert into ${table(request)} as m (time, token, ${columns}, first_seen_at, updated_at, backfilled)
      select time, token, ${columns}, ${now}, ${now}, time < ${at(observedFrom)}::timestamptz
      from incoming
      on conflict (token, time) do update
        set ${assignments}, updated_at = excluded.updated_at
        where (${present}) is distinct from (${merged})
      returning 1
    )`;
}
