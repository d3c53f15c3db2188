import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import { innermost, UserError } from '../errors.ts';
import type { Ingestor } from '../ingest/ingestor.ts';
import { leaveToWorkers, readWaitingOrders } from '../store/ledger/detached-orders.ts';
import { readHistoryPause } from '../store/ledger/history-pause.ts';
import { readOrder } from '../store/ledger/orders.ts';
import type { Milliseconds } from '../time.ts';
import type { Conclusion } from './conclude.ts';
import type { BackfillContext } from './context.ts';
import { quoteRest } from './order.ts';
import { workOn } from './work.ts';

/** How often a worker looks for orders. */
const defaultInterval = 3000;

/** How long an order rests that could not be finished for now. */
const rest = 600_000;

const silentObserver = { began: () => {}, progressed: () => {}, ended: () => {} };

export interface OrderRunnerOptions {
  readonly context: BackfillContext;
  readonly ingestor: Ingestor;
  readonly log: Logger;
  /** How often it looks for orders. */
  readonly interval?: Milliseconds;
}

/** Works on orders that were left to the workers, one at a time. Any number of processes may do so. */
export class OrderRunner {
  readonly #options: OrderRunnerOptions;
  readonly #stopping = new AbortController();
  readonly #restingUntil = new Map<number, number>();
  #running: Promise<void> | undefined;

  constructor(options: OrderRunnerOptions) {
    this.#options = options;
  }

  start(): void {
    this.#running ??= this.#run();
  }

  /** Leaves an order that is under way to the next worker. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { log, interval = defaultInterval } = this.#options;
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      try {
        await this.#workOnNext();
      } catch (error) {
        // The order says itself why it ended; a database that is away is told of elsewhere.
        log.warn({ error: innermost(error) }, 'an order could not be worked on');
      }
      await sleep(interval, undefined, { signal, ref: false }).catch(() => {});
    }
  }

  async #workOnNext(): Promise<void> {
    const { context } = this.#options;
    if ((await readHistoryPause(context.database)) !== undefined) return;
    const now = context.clock.now();
    const waiting = await readWaitingOrders(context.database);
    const id = waiting.find((each) => (this.#restingUntil.get(each) ?? 0) <= now);
    if (id !== undefined) await this.#workOn(id);
  }

  async #workOn(id: number): Promise<void> {
    const { context, ingestor, log } = this.#options;
    const order = await readOrder(context.database, id);
    if (order === undefined) return;
    try {
      const { order: open } = await quoteRest(order, context);
      log.info({ order: id, values: open.left }, 'working on an order');
      const { signal } = this.#stopping;
      const conclusion = await workOn(
        open,
        { ingestor, signal, observer: silentObserver, onlyWaiting: true },
        context,
      );
      log.info({ order: id, end: conclusion.end, left: conclusion.valuesLeft }, 'an order ended');
      await this.#leaveWhereItPasses(id, conclusion);
    } catch (error) {
      // Another process has taken it, or somebody has cancelled it in between.
      if (!(error instanceof UserError)) throw error;
    }
  }

  /** An order that time can help is tried again: by another worker where this one ends, else after a while. */
  async #leaveWhereItPasses(id: number, { end, valuesLeft }: Conclusion): Promise<void> {
    const { database, clock } = this.#options.context;
    const isEnding = this.#stopping.signal.aborted;
    const passes = end === 'budget' || end === 'no-answers' || (isEnding && end === 'stopped');
    if (valuesLeft === 0 || !passes) return;
    if (!isEnding) this.#restingUntil.set(id, clock.now() + rest);
    await leaveToWorkers(database, id);
  }
}
