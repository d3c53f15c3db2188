import { pauseHistory, resumeHistory } from '../../../store/ledger/history-pause.ts';
import { changeOrder, placeForWorkers, priceOrder, showOrder } from '../orders.ts';
import * as schemas from '../schemas/index.ts';
import { type ApiPlugin, answers, typed } from './route.ts';

/** Backfills: priced by whoever reads, placed and changed by whoever may write. */
export const orderRoutes: ApiPlugin = async (app, { backfill, now }) => {
  const routes = typed(app);

  routes.get(
    '/orders/:id',
    { schema: { params: schemas.orderParams, ...answers('How far a backfill is', schemas.orderProgress) } },
    async (request) => showOrder(request.params.id, backfill),
  );

  routes.post(
    '/orders/price',
    {
      config: { writes: true },
      schema: { body: schemas.orderChoice, ...answers('What a backfill would take', schemas.price) },
    },
    async (request) => priceOrder(request.body, backfill),
  );

  routes.post(
    '/orders',
    {
      config: { writes: true },
      schema: {
        body: schemas.orderChoice,
        ...answers('Places a backfill; running workers take it up', schemas.placed),
      },
    },
    async (request) => placeForWorkers(request.body, backfill),
  );

  for (const change of ['pause', 'resume', 'cancel'] as const) {
    routes.post(
      `/orders/:id/${change}`,
      {
        config: { writes: true },
        schema: { params: schemas.orderParams, ...answers(`${change}s a backfill`, schemas.placed) },
      },
      async (request) => changeOrder(request.params.id, change, backfill),
    );
  }

  const { database, clock } = backfill;
  routes.post(
    '/history/pause',
    {
      config: { writes: true },
      schema: answers('Lays all history aside, backfills that run or wait, too', schemas.historyState),
    },
    async () => {
      await pauseHistory(database, clock.now());
      now.forget();
      return { isPaused: true };
    },
  );
  routes.post(
    '/history/resume',
    {
      config: { writes: true },
      schema: answers(
        'Has history go on, and the backfills that were laid aside with it',
        schemas.historyState,
      ),
    },
    async () => {
      await resumeHistory(database, clock.now());
      now.forget();
      return { isPaused: false };
    },
  );
};
