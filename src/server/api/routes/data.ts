import type { FastifyRequest } from 'fastify';
import type { Settings } from '../../../config.ts';
import { readCatalogue, readValues } from '../queries/values.ts';
import * as schemas from '../schemas/index.ts';
import type { Session } from '../types.ts';
import { stringify } from './csv.ts';
import { type ApiPlugin, answers, typed } from './route.ts';

/** What a visitor who was let in may do. */
export const sessionOf = ({ access }: FastifyRequest, { httpToken, httpWriteToken }: Settings): Session => ({
  access: access === 'write' ? 'write' : 'read',
  needsToken: httpToken !== undefined,
  canWrite: httpWriteToken !== undefined,
});

/** What the page asks besides the questions that everybody may. */
export const dataRoutes: ApiPlugin = async (app, options) => {
  const { reading, settings } = options;
  const routes = typed(app);

  routes.get('/session', { schema: answers('What this visitor may do', schemas.session) }, async (request) =>
    sessionOf(request, settings),
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
