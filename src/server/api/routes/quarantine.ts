import type { z } from 'zod';
import { UserError } from '../../../errors.ts';
import { dismissEntries, type QuarantineFilter } from '../../../store/answers/quarantine.ts';
import * as schemas from '../schemas/index.ts';
import { type ApiPlugin, answers, typed } from './route.ts';

/** What whoever may write does about the quarantine. */
export const quarantineRoutes: ApiPlugin = async (app, options) => {
  const { database, clock, replay } = options;
  const routes = typed(app);

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
