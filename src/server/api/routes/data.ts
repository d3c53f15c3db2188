import { readCatalogue, readValues } from '../queries/values.ts';
import * as schemas from '../schemas/index.ts';
import { stringify } from './csv.ts';
import { type ApiPlugin, answers, typed } from './route.ts';

/** What the page asks besides the questions that everybody may. */
export const dataRoutes: ApiPlugin = async (app, options) => {
  const { reading, settings } = options;
  const routes = typed(app);

  routes.get(
    '/session',
    { schema: answers('What this visitor may do', schemas.session) },
    async (request) => ({
      access: request.access === 'write' ? ('write' as const) : ('read' as const),
      needsToken: settings.httpToken !== undefined,
      canWrite: settings.httpWriteToken !== undefined,
    }),
  );

  routes.get(
    '/catalogue',
    { schema: answers('Metrics, tags, tokens and granularities', schemas.catalogue) },
    async () => readCatalogue(reading),
  );

  routes.get(
    '/values.csv',
    {
      schema: {
        querystring: schemas.valuesQuery,
        summary:
          'A page of values as CSV. Tell readers that guess types that token is text: T alone is taken for TRUE by R and DuckDB',
      },
    },
    async (request, reply) => {
      const { columns, rows, next } = await readValues(reading, request.query);
      if (next !== null) reply.header('x-next-cursor', String(next));
      return reply
        .type('text/csv; charset=utf-8')
        .header('content-disposition', 'attachment; filename="cryptoracle.csv"')
        .send(stringify(columns, rows));
    },
  );
};
