import { granularities } from '../../../catalog/granularities.ts';
import { readCell, readCoverage } from '../queries/coverage.ts';
import { readGapPage } from '../queries/lists.ts';
import { readNow } from '../queries/now.ts';
import { readCatalogue, readMovers, readValues, readZscores } from '../queries/values.ts';
import { readWhy } from '../queries/why.ts';
import * as schemas from '../schemas/index.ts';
import { stringify } from './csv.ts';
import { type ApiPlugin, answers, typed } from './route.ts';

/** Values, what stands out among them, and how complete they are. */
export const dataRoutes: ApiPlugin = async (app, options) => {
  const { reading, clock, settings } = options;
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
    async () => ({ granularities: [...granularities], ...(await readCatalogue(reading)) }),
  );

  routes.get(
    '/status',
    { schema: answers('How fresh and how full everything is, and what to do about it', schemas.now) },
    async () => readNow(options, clock.now()),
  );

  routes.get(
    '/values',
    { schema: { querystring: schemas.valuesQuery, ...answers('Values, oldest first', schemas.values) } },
    async (request) => readValues(reading, request.query),
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

  routes.get(
    '/movers',
    {
      schema: {
        querystring: schemas.moversQuery,
        ...answers('Newest windows against those 24 hours before, the largest change first', schemas.movers),
      },
    },
    async (request) => readMovers(reading, request.query),
  );

  routes.get(
    '/zscores',
    {
      schema: {
        querystring: schemas.zscoresQuery,
        ...answers("Net sentiment against each token's own 30 days, the most unusual first", schemas.zscores),
      },
    },
    async (request) => readZscores(reading, request.query),
  );

  routes.get(
    '/coverage',
    {
      schema: {
        querystring: schemas.coverageQuery,
        ...answers('What is there, token by day', schemas.coverage),
      },
    },
    async (request) => readCoverage(reading, request.query),
  );

  routes.get(
    '/cell',
    { schema: { querystring: schemas.cellQuery, ...answers('Why a cell looks as it does', schemas.cell) } },
    async (request) => readCell(reading, request.query),
  );

  routes.get(
    '/why',
    {
      schema: {
        querystring: schemas.whyQuery,
        ...answers(
          'The life of one window: when it was due, what was asked and came, what is next',
          schemas.story,
        ),
      },
    },
    async (request) => readWhy(reading, request.query, settings, clock.now()),
  );

  routes.get(
    '/gaps',
    { schema: { querystring: schemas.gapsQuery, ...answers('What is missing, and why', schemas.gaps) } },
    async (request) => readGapPage(reading, request.query),
  );
};
