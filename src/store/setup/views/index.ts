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
import type { View } from './view.ts';

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

export const viewNames: readonly string[] = viewsOf(bundledCatalogue, bundledCatalogue).map(
  ({ name }) => name,
);

/**
 * Makes the views anew, since they derive from the catalogue. They are replaced in place, so that what people have built
 * on them stays; only where a column changed its name, type or place they are dropped first.
 *
 * @param queryable metrics whose values can be queried: those of the catalogue, and those that a user's file named once
 * @throws UserError where that is necessary and views of the user's own depend on them
 */
export async function createViews(
  connection: Connection,
  queryable: Catalogue,
  catalogue: Catalogue,
): Promise<void> {
  const create = viewsOf(queryable, catalogue).map(createStatements).join(';\n');
  try {
    // Several statements in one query are one transaction.
    await connection.query('make views', create);
  } catch (error) {
    const columnsChanged = '42P16';
    if (errorCode(error) !== columnsChanged) throw error;
    await recreate(connection, create);
  }
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
