import pg from 'pg';
import type { Catalogue, Metric } from '../../../catalog/index.ts';
import type { View } from './view.ts';

const literal = (value: string | number | boolean | null) =>
  typeof value === 'string' ? pg.escapeLiteral(value) : String(value);

/** What the catalogue says of a metric, in the order of the columns of `fact`. */
function factsOf(metric: Metric): (string | number | boolean | null)[] {
  const { column, code, endpoint, params, unit, minimum, maximum } = metric;
  const { summable, averageable, acrossWindows, versions } = metric;
  const sent = Object.keys(params).length === 0 ? null : JSON.stringify(params);
  return [
    ...[column, code, unit, minimum, maximum, summable, averageable, acrossWindows],
    ...[endpoint, sent, versions.join(' ')],
  ];
}

/** All of them, as rows. */
const facts = ({ metrics }: Catalogue) =>
  metrics.map((each) => `(${factsOf(each).map(literal).join(', ')})`).join(',\n  ');

const dictionary = (catalogue: Catalogue): View => ({
  name: 'data_dictionary',
  comment:
    'What everything here means: a row for each table, view and function that you may read, and for each of their columns',
  columns: {
    relation: 'Name of the table, view or function, within the schema cryptoracle',
    kind: "'table', 'view' or 'function'",
    column_name: 'Name of the column; NULL in the row about the relation itself',
    position: 'Place of the column, 1 first; 0 in the row about the relation itself',
    type: 'Type of the column in PostgreSQL',
    meaning: 'What it is',
    code: 'For metrics: name of the series in other tables: the API code, and its parameters where it has some',
    unit: "Unit, for metrics; '1' where there is none",
    minimum: 'Smallest sensible value, for metrics',
    maximum: 'Largest sensible value, for metrics',
    summable: 'For metrics: whether the sum over windows is the value of the longer window',
    averageable: 'For metrics: whether the plain mean over windows describes them fairly',
    across_windows: 'For metrics: what the sum and the mean over windows are, and are not',
    endpoint: 'API code, for metrics',
    params: 'For metrics that are asked for with parameters: these, as JSON',
    versions: 'For metrics: the versions of the API that have it',
  },
  query: `with fact (column_name, code, unit, minimum, maximum, summable, averageable, across_windows,
  endpoint, params, versions) as (values
  ${facts(catalogue)}
)
select c.relname::text as relation, case when c.relkind = 'v' then 'view' else 'table' end as kind,
  a.attname::text as column_name, coalesce(a.attnum, 0)::integer as position,
  format_type(a.atttypid, a.atttypmod) as type,
  coalesce(col_description(c.oid, a.attnum), obj_description(c.oid, 'pg_class')) as meaning,
  fact.code, fact.unit, fact.minimum::float8 as minimum, fact.maximum::float8 as maximum,
  fact.summable, fact.averageable, fact.across_windows, fact.endpoint, fact.params, fact.versions
from pg_catalog.pg_class as c
cross join lateral (
  select null::name as attname, null::int2 as attnum, null::oid as atttypid, null::int4 as atttypmod
  union all
  select attname, attnum, atttypid, atttypmod from pg_catalog.pg_attribute
  where attrelid = c.oid and attnum > 0 and not attisdropped
) as a
left join fact on fact.column_name = a.attname
where c.relnamespace = 'cryptoracle'::regnamespace and c.relkind in ('r', 'p', 'v', 'm')
  and has_table_privilege(c.oid, 'select')
union all
select f.oid::regprocedure::text, 'function', null, 0, pg_get_function_result(f.oid),
  obj_description(f.oid, 'pg_proc'), null, null, null, null, null, null, null,
  null, null, null
from pg_catalog.pg_proc as f
where f.pronamespace = 'cryptoracle'::regnamespace and f.proretset and has_function_privilege(f.oid, 'execute')`,
});

export const dictionaryViews = (catalogue: Catalogue): readonly View[] => [dictionary(catalogue)];
