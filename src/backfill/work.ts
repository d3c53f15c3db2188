import { hostname } from 'node:os';
import type { Granularity } from '../catalog/index.ts';
import { UserError } from '../errors.ts';
import type { Ingestor } from '../ingest/ingestor.ts';
import { tryToEnd } from '../store/ledger/events.ts';
import { endOrder, reopenOrder, workOnOrder } from '../store/ledger/orders.ts';
import { closeBreaker } from '../store/limits/breaker.ts';
import type { Instant } from '../time.ts';
import { type Conclusion, conclude } from './conclude.ts';
import type { BackfillContext } from './context.ts';
import { type FillResult, fillGaps } from './fill.ts';
import { Heartbeat } from './heartbeat.ts';
import { type OpenOrder, orderIsOver, requireOrder } from './order.ts';
import { QualityChecks } from './quality-checks.ts';
import { type FillScope, readFillScope } from './scope.ts';

/** This process, as people are told of it where it works on an order. */
const worker = `worked on by ${hostname()}, process ${process.pid}`;

/** How far the work is. */
export interface WorkStep {
  /** Values that are there, of all that were ordered. */
  readonly done: number;
  readonly calls: number;
  /** The windows that are being filled. */
  readonly granularity: Granularity;
  readonly from: Instant;
}

/** Told while an order is worked on. */
export interface WorkObserver {
  /** Nobody else works on the order, and the first request is about to be sent. */
  began(order: OpenOrder): void;
  progressed(step: WorkStep): void;
  /** Nothing more is fetched. Comes after {@link began}, however the work ends. */
  ended(): void;
}

export interface WorkOptions {
  readonly ingestor: Ingestor;
  /** Most calls on the wire, retries included. */
  readonly mostCalls?: number | undefined;
  /** Whether the order is taken up only while it waits for a worker. */
  readonly onlyWaiting?: boolean;
  readonly signal: AbortSignal;
  readonly observer: WorkObserver;
}

/**
 * Works on an order until nothing is left, something stops it, or somebody cancels it.
 * @throws UserError where another process works on it, or where it is over
 */
export async function workOn(
  order: OpenOrder,
  options: WorkOptions,
  context: BackfillContext,
): Promise<Conclusion> {
  const { id, placed } = order;
  const concluded = await workOnOrder(context.database, id, async () => {
    await takeUp(id, options.onlyWaiting === true, context);
    const scope = await readFillScope(placed, id, context);
    const result = await fill(order, scope, options, context);
    return conclude({ id, placed, scope, result }, context);
  });
  if (concluded !== undefined) return concluded;
  throw new UserError(`another process works on order ${id}; \`backfill watch ${id}\` shows how far it is`);
}

/** @throws UserError where the order is over, maybe since a moment ago */
async function takeUp(
  id: number,
  onlyWaiting: boolean,
  { database, clock, log }: BackfillContext,
): Promise<void> {
  // An earlier refusal is forgotten: while one request probes, those beside it would be refused and end the fill.
  if (await closeBreaker(database)) await tryToEnd(database, log, { kind: 'access refused' }, clock.now());
  if (await reopenOrder(database, id, clock.now(), worker, onlyWaiting)) return;
  const { state } = await requireOrder(database, id);
  throw state === 'paused' ? new UserError(`order ${id} was paused`) : orderIsOver(id, state);
}

async function fill(
  order: OpenOrder,
  scope: FillScope,
  { ingestor, mostCalls, signal, observer }: WorkOptions,
  context: BackfillContext,
): Promise<FillResult> {
  const { database, clock, packer, settings } = context;
  const heartbeat = new Heartbeat(order.id, context);
  const checks = new QualityChecks(context);
  let done = order.total - order.left;
  let result: FillResult | undefined;
  observer.began(order);
  try {
    result = await fillGaps({
      ...{ database, ingestor, packer, scope, clock, mostCalls },
      concurrency: settings.fetchConcurrency,
      signal: AbortSignal.any([signal, heartbeat.withdrawn]),
      onProgress: (cells, { calls }, { granularity, interval }) => {
        done += cells;
        heartbeat.count(calls);
        observer.progressed({ done, calls, granularity, from: interval.start });
      },
    });
    heartbeat.count(result.tally.calls);
    await checks.finish(signal);
    return result;
  } finally {
    checks.stop();
    observer.ended();
    await heartbeat.stop();
    if (result === undefined) {
      await endOrder(database, order.id, { state: 'failed', message: 'see the log' }, clock.now());
    }
  }
}
