import { changeOrder, placeForWorkers, priceOrder, showOrder } from '../orders.ts';
import * as schemas from '../schemas/index.ts';
import { type ApiPlugin, answers, typed } from './route.ts';

/** Backfills: priced by whoever reads, placed and changed by whoever may write. */
export const orderRoutes: ApiPlugin = async (app, { backfill }) => {
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
};
