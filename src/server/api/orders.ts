import { and, desc, lt, sql } from 'drizzle-orm';
import type { z } from 'zod';
import type { BackfillContext } from '../../backfill/context.ts';
import {
  nothingToDo,
  place,
  type Quote,
  quoteOrder,
  requireOpenOrder,
  requireOrder,
} from '../../backfill/order.ts';
import { shareOf } from '../../backfill/price.ts';
import { displayedState, longestSilence, readProgress } from '../../backfill/progress.ts';
import { isToken, type Token } from '../../catalog/index.ts';
import { UserError } from '../../errors.ts';
import { leaveToWorkers, pauseOrder } from '../../store/ledger/detached-orders.ts';
import { type BackfillOrder, endOrder } from '../../store/ledger/orders.ts';
import { requireKnownTokens } from '../../store/ledger/scope.ts';
import { backfills } from '../../store/schema/index.ts';
import { intervalOf } from '../../store/schema/sql.ts';
import { pageOf, utc, utcOrNull, where } from './queries/sql.ts';
import type { Reading } from './reading.ts';
import type * as schemas from './schemas/index.ts';

/** Backfills as the API places and shows them. Placed orders are left to the workers of the pipeline. */

type Order = z.output<typeof schemas.order>;
type Choice = z.output<typeof schemas.orderChoice>;

export async function listOrders(
  reading: Reading,
  { state, cursor, limit }: z.output<typeof schemas.ordersQuery>,
) {
  const { id, startedAt, heartbeatAt } = backfills;
  const silence = sql`now() - coalesce(${heartbeatAt}, ${startedAt})`;
  const shown = sql<string>`case when ${backfills.state} = 'running' and ${silence} > ${intervalOf(longestSilence)}
    then 'died' else ${backfills.state} end`;
  const rows = await reading.run('api orders', (db) =>
    db
      .select({
        id,
        state: shown,
        from: utc(backfills.windowsFrom),
        to: utc(backfills.windowsTo),
        granularities: backfills.granularities,
        tokens: backfills.tokens,
        refresh: backfills.refresh,
        valuesOrdered: backfills.valuesOrdered,
        requestsPlanned: backfills.requestsPlanned,
        requestsSent: backfills.requestsSent,
        startedAt: utc(startedAt),
        heartbeatAt: utcOrNull(heartbeatAt),
        endedAt: utcOrNull(backfills.endedAt),
        message: backfills.message,
      })
      .from(backfills)
      .where(
        and(
          where(cursor, (last) => lt(id, last)),
          where(state, (each) => sql`${shown} = ${each}`),
        ),
      )
      .orderBy(desc(id))
      .limit(limit + 1),
  );
  return pageOf(rows, limit, (last) => last.id);
}

const iso = (instant: number | undefined) => (instant === undefined ? null : new Date(instant).toISOString());

function orderToJson(order: BackfillOrder, now: number): Order {
  const { id, range, granularities, tokens, refresh, requestsSent } = order;
  return {
    ...{ id, refresh, requestsSent },
    state: displayedState(order, now),
    from: new Date(range.start).toISOString(),
    to: new Date(range.end).toISOString(),
    granularities: [...granularities],
    tokens: [...tokens],
    valuesOrdered: order.valuesOrdered ?? null,
    requestsPlanned: order.requestsPlanned ?? null,
    startedAt: new Date(order.startedAt).toISOString(),
    heartbeatAt: iso(order.heartbeatAt),
    endedAt: iso(order.endedAt),
    message: order.message ?? null,
  };
}

/** How far an order is. @throws UserError where there is none of that number */
export async function showOrder(id: number, context: BackfillContext) {
  const snapshot = await readProgress(await requireOrder(context.database, id), undefined, context);
  const { order, valuesLeft, requestsLeft, done, at } = snapshot;
  return { order: orderToJson(order, at), valuesLeft, requestsLeft, done };
}

function tickers(texts: readonly string[]): Token[] {
  const wrong = texts.find((text) => !isToken(text));
  if (wrong !== undefined) throw new UserError(`'${wrong}' is no ticker`);
  return texts.filter(isToken);
}

/** @throws UserError where the choice names what there is not */
async function quote(choice: Choice, context: BackfillContext): Promise<Quote> {
  const { database, settings } = context;
  const range = { start: Date.parse(choice.from), end: Date.parse(choice.to) };
  if (range.start >= range.end) throw new UserError('`from` must lie before `to`');
  const tokens = choice.tokens === undefined ? settings.tokens : tickers(choice.tokens);
  await requireKnownTokens(database, tokens, 'tokens');
  return quoteOrder(
    {
      range,
      granularities: choice.granularities,
      tokens,
      metrics: settings.metrics,
      refresh: choice.refresh,
      evenUnavailable: choice.tokens !== undefined,
    },
    context,
  );
}

const reasons = {
  'nothing is due': 'No window of this range is due yet.',
  'all is answered': 'The API has answered all of it.',
  'metrics are refused': 'The API has answered all that the subscription includes.',
  'not in this API version': 'The version of the API that is spoken does not have these metrics.',
};

/** What an order would take. Places nothing. */
export async function priceOrder(choice: Choice, context: BackfillContext) {
  const quoted = await quote(choice, context);
  const { price } = quoted;
  const nothing = nothingToDo(quoted);
  return {
    values: price.values,
    requests: price.requests,
    seconds: price.seconds ?? null,
    bytes: Math.round(price.bytes),
    compressedBytes: Math.round(price.compressedBytes),
    rate: price.rate,
    budgetShare: shareOf(price.requests, price.budget) ?? null,
    nothing: nothing === undefined ? null : reasons[nothing.reason],
    parts: price.parts.map(({ granularity, values, requests, windows }) => ({
      ...{ granularity, values, requests, windows },
    })),
  };
}

/** Places an order and leaves it to the workers. @throws UserError where nothing is missing */
export async function placeForWorkers(choice: Choice, context: BackfillContext): Promise<{ id: number }> {
  const quoted = await quote(choice, context);
  const nothing = nothingToDo(quoted);
  if (nothing !== undefined) throw new UserError(`nothing to do: ${reasons[nothing.reason]}`);
  const { id } = await place(quoted, context);
  await leaveToWorkers(context.database, id);
  return { id };
}

export type OrderChange = 'pause' | 'resume' | 'cancel';

/** @throws UserError where there is no such order, or it is over */
export async function changeOrder(id: number, change: OrderChange, context: BackfillContext) {
  const { database, clock } = context;
  const order = await requireOpenOrder(database, id);
  if (change === 'cancel') {
    await endOrder(database, id, { state: 'cancelled', message: 'cancelled by a person' }, clock.now());
  } else if (change === 'pause') {
    await pauseOrder(database, id, clock.now());
  } else if (displayedState(order, clock.now()) !== 'running') {
    await leaveToWorkers(database, id);
  }
  return { id };
}
