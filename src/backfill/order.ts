import type { MetricCode, Token } from '../catalog/index.ts';
import { UserError } from '../errors.ts';
import { isEmpty } from '../planning/interval.ts';
import { settledUntil } from '../planning/windows.ts';
import type { Database } from '../store/connection/database.ts';
import { forgetUndue } from '../store/ledger/coverage.ts';
import { readDayStart } from '../store/ledger/facts.ts';
import {
  type BackfillOrder,
  type BackfillScope,
  type BackfillState,
  placeOrder,
  readOpenOrder,
  readOrder,
} from '../store/ledger/orders.ts';
import type { Scope } from '../store/ledger/scope.ts';
import { readListedTokens } from '../store/ledger/tokens.ts';
import type { BackfillContext } from './context.ts';
import { type Price, readPrice } from './price.ts';
import { type FillScope, readFillScope } from './scope.ts';
import { summariseGaps, totalOf } from './summary.ts';

/** Orders before and after they are placed: what one would take, what is left of it, whether it can still be had. */

/** The choice of a person who places an order. */
export interface OrderChoice extends Omit<BackfillScope, 'tokens'> {
  readonly tokens: readonly Token[] | 'all';
}

/** An order before it is placed: its cells, and its price. */
export interface Quote {
  readonly placed: BackfillScope;
  readonly scope: FillScope & Pick<Scope, 'unserved'>;
  readonly price: Price;
}

/** An order of which nothing is placed yet has a ledger of its own, in which there is nothing. */
export const notPlaced = 0;

/** Works out what an order would take. Places nothing, and asks nothing of the API. */
export async function quoteOrder(choice: OrderChoice, context: BackfillContext): Promise<Quote> {
  const { database, clock, settings, packer } = context;
  const dayStart = await readDayStart(database);
  for (const granularity of choice.granularities) {
    const due = settledUntil(granularity, clock.now(), settings.settleDelay, dayStart);
    await forgetUndue(database, granularity, due);
  }
  const tokens = choice.tokens === 'all' ? await readListedTokens(database) : choice.tokens;
  const placed: BackfillScope = { ...choice, tokens };
  const scope = await readFillScope(placed, notPlaced, context);
  const summaries = await summariseGaps(database, scope, packer);
  return { placed, scope, price: await readPrice(summaries, scope, context) };
}

/** Why there is nothing to fetch. */
export type NothingToDo =
  | { readonly reason: 'nothing is due' | 'all is answered' }
  | {
      readonly reason: 'metrics are refused' | 'not in this API version';
      readonly metrics: readonly MetricCode[];
    };

/** Why there is nothing to fetch; `undefined` where there is something. */
export function nothingToDo({ placed, scope, price }: Quote): NothingToDo | undefined {
  if (price.values > 0) return undefined;
  if (![...scope.wanted.values()].some((interval) => !isEmpty(interval))) return { reason: 'nothing is due' };
  const { unserved } = scope;
  const metrics = placed.metrics.filter((code) => !scope.metrics.includes(code) && !unserved.includes(code));
  if (metrics.length > 0) return { reason: 'metrics are refused', metrics };
  const isChosen = unserved.length === placed.metrics.length;
  return isChosen ? { reason: 'not in this API version', metrics: unserved } : { reason: 'all is answered' };
}

/** An order that is placed, and how much of it is left. */
export interface OpenOrder {
  readonly id: number;
  readonly placed: BackfillScope;
  /** Values that were missing when it was placed. */
  readonly total: number;
  /** Values that are missing now. */
  readonly left: number;
}

/** Enters an order in the database. */
export async function place(
  { placed, scope, price }: Quote,
  { database, clock }: BackfillContext,
): Promise<OpenOrder> {
  const id = await placeOrder(database, { ...placed, metrics: scope.metrics }, price, clock.now());
  return { id, placed, total: price.values, left: price.values };
}

/** The rest of an order, and its price. @throws UserError where the order is done or cancelled */
export async function quoteRest(
  order: BackfillOrder,
  context: BackfillContext,
): Promise<Quote & { readonly order: OpenOrder }> {
  requireOpen(order);
  const scope = await readFillScope(order, order.id, context);
  const summaries = await summariseGaps(context.database, scope, context.packer);
  const left = totalOf(summaries).values;
  return {
    placed: order,
    scope,
    price: await readPrice(summaries, scope, context),
    order: { id: order.id, placed: order, total: Math.max(left, order.valuesOrdered ?? 0), left },
  };
}

/** The order of that number, or the newest that is not done. @throws UserError where there is none */
export async function requireOrder(database: Database, id: number | undefined): Promise<BackfillOrder> {
  const order = id === undefined ? await readOpenOrder(database) : await readOrder(database, id);
  if (order !== undefined) return order;
  throw new UserError(
    id === undefined
      ? 'there is no order that is not done; `backfill list` shows all of them'
      : `there is no order ${id}; \`backfill list\` shows all of them`,
  );
}

/** The order of that number, which can still be changed. @throws UserError where there is none, or it is over */
export async function requireOpenOrder(database: Database, id: number): Promise<BackfillOrder> {
  const order = await requireOrder(database, id);
  requireOpen(order);
  return order;
}

function requireOpen({ id, state }: BackfillOrder): void {
  if (state === 'done' || state === 'cancelled') throw orderIsOver(id, state);
}

/** The mistake of taking up again, or giving up, an order that is done or cancelled. */
export function orderIsOver(id: number, state: BackfillState): UserError {
  return new UserError(state === 'done' ? `order ${id} is done already` : `order ${id} was cancelled`);
}
