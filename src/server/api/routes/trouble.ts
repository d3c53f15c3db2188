import type { z } from 'zod';
import { UserError } from '../../../errors.ts';
import { dismissEntries, type QuarantineFilter } from '../../../store/answers/quarantine.ts';
import {
  readEventPage,
  readFailures,
  readNotes,
  readQuarantinePage,
  readRefusals,
  readRequests,
  readRevisions,
} from '../queries/lists.ts';
import * as schemas from '../schemas/index.ts';
import { type ApiPlugin, answers, typed } from './route.ts';

/** Events, calls, refusals, quarantine, doubts and changes. */
export const troubleRoutes: ApiPlugin = async (app, options) => {
  const { reading, database, clock, replay } = options;
  const routes = typed(app);

  routes.get(
    '/requests',
    {
      schema: {
        querystring: schemas.requestsQuery,
        ...answers('Calls of the API, the newest first', schemas.requests),
      },
    },
    async (request) => readRequests(reading, request.query),
  );

  routes.get(
    '/events',
    {
      schema: {
        querystring: schemas.eventsQuery,
        ...answers('What happened, the newest first', schemas.events),
      },
    },
    async (request) => readEventPage(reading, request.query),
  );

  routes.get(
    '/failures',
    { schema: { querystring: schemas.failuresQuery, ...answers('Failed calls by kind', schemas.failures) } },
    async (request) => readFailures(reading, request.query),
  );

  routes.get(
    '/refusals',
    { schema: answers('Metrics and tags that the subscription does not include', schemas.refusals) },
    async () => readRefusals(reading),
  );

  routes.get(
    '/quarantine',
    {
      schema: {
        querystring: schemas.quarantineQuery,
        ...answers('What the API sent and could not be stored', schemas.quarantine),
      },
    },
    async (request) => readQuarantinePage(reading, request.query),
  );

  routes.post(
    '/quarantine/replay',
    {
      config: { writes: true },
      schema: {
        body: schemas.quarantineChoice,
        ...answers('Reads quarantined things again and stores what can be', schemas.replayed),
      },
    },
    async (request) => replay(filterOf(request.body)),
  );

  routes.post(
    '/quarantine/dismiss',
    {
      config: { writes: true },
      schema: { body: schemas.quarantineChoice, ...answers('Takes entries off the list', schemas.dismissed) },
    },
    async (request) => {
      const filter = filterOf(request.body);
      if (Object.values(filter).every((each) => each === undefined)) {
        throw new UserError('say what to dismiss: granularity, token, metric or reason');
      }
      return { dismissed: await dismissEntries(database, filter, clock.now()) };
    },
  );

  routes.get(
    '/notes',
    {
      schema: {
        querystring: schemas.notesQuery,
        ...answers('Values that are hard to believe', schemas.notes),
      },
    },
    async (request) => readNotes(reading, request.query),
  );

  routes.get(
    '/revisions',
    {
      schema: {
        querystring: schemas.revisionsQuery,
        ...answers('Values that changed or came late', schemas.revisions),
      },
    },
    async (request) => readRevisions(reading, request.query),
  );
};

function filterOf(choice: z.output<typeof schemas.quarantineChoice>): QuarantineFilter {
  const { granularity, token, metric, reason } = choice;
  return {
    granularities: granularity === undefined ? undefined : [granularity],
    tokens: token === undefined ? undefined : [token],
    metrics: metric === undefined ? undefined : [metric],
    reason,
  };
}
