import pg from 'pg';
import { bundledCatalogue, type Catalogue } from '../../../catalog/index.ts';
import { UserError } from '../../../errors.ts';
import type { Connection } from '../../connection/connection.ts';
import { errorCode } from '../../connection/errors.ts';
import { changeViews } from './change.ts';
import { dictionaryViews } from './dictionary.ts';
import { freshnessViews } from './freshness.ts';
import { gapViews } from './gaps.ts';
import { healthViews } from './health.ts';
import { metricViews } from './metrics.ts';
import { tagViews } from './tags.ts';
import { quoted, type View } from './view.ts';

/** The views that people query, each after those it is made of. */
const viewsOf = (queryable: Catalogue, catalogue: Catalogue): readonly View[] => [
  ...metricViews(queryable),
  ...changeViews(catalogue),
  ...tagViews,
  ...freshnessViews,
  ...healthViews(catalogue),
  ...gapViews(queryable),
  ...dictionaryViews(queryable),
];

/** The views as they are with the bundled metrics alone. */
export const bundledViews = viewsOf(bundledCatalogue, bundledCatalogue);

export const viewNames: readonly string[] = bundledViews.map(({ name }) => name);

/**
 * Makes the views anew, since they derive from the catalogue. They are replaced in place, so that what people have built
 * on them stays: columns keep their places, and new ones come last. Only where a column went or changed its type they are
 * dropped first.
 *
 * @param queryable metrics whose values can be queried: those of the catalogue, and those that a user's file named once
 * @throws UserError where that is necessary and views of the user's own depend on them
 */
export async function createViews(
  connection: Connection,
  queryable: Catalogue,
  catalogue: Catalogue,
): Promise<void> {
  const places = await readColumns(connection);
  const views = viewsOf(queryable, catalogue);
  const create = views.map((view) => createStatements(inPlace(view, places.get(view.name)))).join(';\n');
  try {
    // Several statements in one query are one transaction.
    await connection.query('make views', create);
  } catch (error) {
    const columnsChanged = '42P16';
    if (errorCode(error) !== columnsChanged) throw error;
    await recreate(connection, views.map(createStatements).join(';\n'));
  }
}

/** The columns of the views as they are, in their order. */
async function readColumns(connection: Connection): Promise<ReadonlyMap<string, readonly string[]>> {
  const { rows } = await connection.query<{ name: string; columns: string[] }>(
    'look for columns',
    `select table_name::text as name, array_agg(column_name::text order by ordinal_position) as columns
     from information_schema.columns where table_schema = 'cryptoracle' and table_name = any ($1) group by 1`,
    [viewNames],
  );
  return new Map(rows.map(({ name, columns }) => [name, columns]));
}

/** The view with its columns in the places that they have, and new ones after them. */
function inPlace(view: View, places: readonly string[] = []): View {
  const names = Object.keys(view.columns);
  const order = [...new Set([...places.filter((name) => names.includes(name)), ...names])];
  if (order.every((name, place) => name === names[place])) return view;
  return { ...view, query: `select ${order.map(quoted).join(', ')} from (\n${view.query}\n) as made` };
}

async function recreate(connection: Connection, create: string): Promise<void> {
  // One statement for all: they depend on one another.
  const drop = `drop view if exists ${viewNames.map((name) => `cryptoracle.${name}`).join(', ')}`;
  try {
    await connection.query('make views', `${drop};\n${create}`);
  } catch (error) {
    const hasDependents = '2BP01';
    if (errorCode(error) !== hasDependents) throw error;
    const detail = error instanceof pg.DatabaseError ? error.detail : undefined;
    throw new UserError(
      `DATABASE_URL: the columns of a view changed, and something of yours depends on it (${(detail ?? '').replaceAll('\n', '; ')}); ` +
        'drop that, run `migrate`, and make it again',
      { cause: error },
    );
  }
}

function createStatements({ name, comment, columns, query }: View): string {
  const view = `cryptoracle.${name}`;
  return [
    `create or replace view ${view} as\n${query}`,
    `comment on view ${view} is ${pg.escapeLiteral(comment)}`,
    ...Object.entries(columns).map(
      ([column, text]) => `comment on column ${view}.${column} is ${pg.escapeLiteral(text)}`,
    ),
  ].join(';\n');
}
