import { getTableName } from 'drizzle-orm';
import { type Catalogue, granularities, type Metric } from '../../catalog/index.ts';
import { UserError } from '../../errors.ts';
import type { Connection } from '../connection/connection.ts';
import { metricTables } from '../schema/index.ts';

/** The metrics of a user's file in the database: their columns, and those that the file named once. */

const tableNames = granularities.map((granularity) => getTableName(metricTables[granularity]));

/** A metric as the database knows it. */
interface KnownMetric {
  readonly code: string;
  readonly column_name: string;
  readonly kind: string;
  readonly origin: string;
}

/**
 * Checks that the catalogue fits what the database holds, before anything is changed.
 * @throws UserError naming the first clash
 */
export async function requireNoClash(connection: Connection, { metrics }: Catalogue): Promise<void> {
  const own = metrics.filter(({ origin }) => origin === 'user');
  if (own.length === 0) return;
  const known = await readKnownMetrics(connection);
  const { rows: columns } = await connection.query<{ name: string; type: string }>(
    'look for columns',
    `select distinct column_name::text as name, data_type::text as type from information_schema.columns
     where table_schema = 'cryptoracle' and table_name = any ($1)`,
    [tableNames],
  );
  const types = new Map(columns.map(({ name, type }) => [name, type]));
  for (const metric of own) {
    const clash = clashOf(metric, known, types);
    if (clash !== undefined) throw new UserError(`CATALOGUE_FILE: ${metric.code}: ${clash}`);
  }
}

function clashOf(
  { code, column, kind }: Metric,
  known: readonly KnownMetric[],
  types: ReadonlyMap<string, string>,
): string | undefined {
  const same = known.find((each) => each.code === code);
  if (same !== undefined && same.column_name !== column) {
    return `its column in the database is ${same.column_name}; leave it so`;
  }
  if (same !== undefined && same.kind !== kind) {
    return `its kind in the database is ${same.kind}; leave it so, for the values are of that kind`;
  }
  const owner = known.find((each) => each.column_name === column && each.code !== code);
  if (owner !== undefined) return `column ${column} holds ${owner.code} in the database; choose another name`;
  const type = types.get(column);
  if (same === undefined && type !== undefined) {
    return `the metric tables have a column ${column} already, of type ${type}; choose another name`;
  }
  return undefined;
}

/**
 * Gives the columns of metrics that a user's file named once, and that come with the program now, the program's names: their
 * values are answered, and would be asked for no more. It precedes the migrations, which add what columns are missing.
 * @throws UserError where another metric of a user's has such a column, before anything is changed
 */
export async function adoptColumns(connection: Connection, { metrics }: Catalogue): Promise<void> {
  const own = (await readKnownMetrics(connection)).filter(({ origin }) => origin === 'user');
  const renamed: string[] = [];
  for (const { code, column } of metrics.filter(({ origin }) => origin === 'bundled')) {
    const owner = own.find((each) => each.column_name === column && each.code !== code);
    if (owner !== undefined) {
      throw new UserError(
        `DATABASE_URL: column ${column} holds ${owner.code}, a metric of a catalogue file, and is that of ${code} now; rename it in the metric tables and in metric_catalog`,
      );
    }
    const before = own.find((each) => each.code === code);
    if (before === undefined || before.column_name === column) continue;
    renamed.push(
      ...tableNames.map(
        (name) => `alter table cryptoracle.${name} rename column ${before.column_name} to ${column}`,
      ),
      `update cryptoracle.metric_catalog set column_name = '${column}' where column_name = '${before.column_name}'`,
    );
  }
  if (renamed.length > 0) await connection.query('adopt columns', renamed.join(';\n'));
}

/** What the database's catalogue says; nothing where there is none yet. */
async function readKnownMetrics(connection: Connection): Promise<readonly KnownMetric[]> {
  const { rows: found } = await connection.query<{ has: boolean; tells: boolean }>(
    'look for catalogue',
    `select to_regclass('cryptoracle.metric_catalog') is not null as has,
       exists (select from information_schema.columns
         where table_schema = 'cryptoracle' and table_name = 'metric_catalog' and column_name = 'origin') as tells`,
  );
  if (found[0]?.has !== true) return [];
  // Before there were metrics of a user's own, every metric was a bundled one.
  const origin = found[0].tells ? 'origin' : `'bundled' as origin`;
  const { rows } = await connection.query<KnownMetric>(
    'read catalogue',
    `select code, column_name, kind, ${origin} from cryptoracle.metric_catalog`,
  );
  return rows;
}

/** Gives each metric of the user's a column in each of the metric tables, where it has none. */
export async function addColumns(connection: Connection, { metrics }: Catalogue): Promise<void> {
  const own = metrics.filter(({ origin }) => origin === 'user');
  if (own.length === 0) return;
  const additions = own.map(({ column }) => `add column if not exists ${column} double precision`).join(', ');
  const { rows } = await connection.query<{ name: string; columns: string[] }>(
    'look for columns',
    `select table_name::text as name, array_agg(column_name::text) as columns from information_schema.columns
     where table_schema = 'cryptoracle' and table_name = any ($1) group by 1`,
    [tableNames],
  );
  // Even where it adds nothing, the statement waits for every reader of the table.
  const lacking = rows.filter(({ columns }) => own.some(({ column }) => !columns.includes(column)));
  const statements = lacking.map(({ name }) => `alter table cryptoracle.${name} ${additions}`);
  if (statements.length > 0) await connection.query('add columns', statements.join(';\n'));
}

/**
 * The metrics whose values people can query: the catalogue's, and those that a file named once, whose columns stay. In the
 * order of their columns, so that a new one changes nothing before it.
 */
export async function queryableMetrics(connection: Connection, catalogue: Catalogue): Promise<Catalogue> {
  const { rows: retired } = await connection.query<Metric>(
    'read catalogue',
    `select code, endpoint, params, column_name as "column", name, kind, unit, minimum, maximum, meaning, summable,
       averageable, across_windows as "acrossWindows", versions, origin
     from cryptoracle.metric_catalog where origin = 'user' and code <> all ($1)`,
    [catalogue.codes],
  );
  const { rows: places } = await connection.query<{ name: string; place: number }>(
    'look for columns',
    `select column_name::text as name, ordinal_position::int as place from information_schema.columns
     where table_schema = 'cryptoracle' and table_name = $1`,
    [tableNames[0]],
  );
  const placeOf = new Map(places.map(({ name, place }) => [name, place]));
  const byPlace = (a: Metric, b: Metric) => (placeOf.get(a.column) ?? 0) - (placeOf.get(b.column) ?? 0);
  return catalogue.with([...catalogue.metrics, ...retired].sort(byPlace));
}
