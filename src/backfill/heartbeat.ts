import { recordHeartbeat } from '../store/ledger/orders.ts';
import type { BackfillContext } from './context.ts';

/** How often an order gets a sign of life. */
const interval = 2000;

/** Tells the database that an order is being worked on, and learns from it when somebody has cancelled or paused the order. */
export class Heartbeat {
  readonly #id: number;
  readonly #context: Pick<BackfillContext, 'database' | 'clock'>;
  readonly #withdrawn = new AbortController();
  readonly #timer: NodeJS.Timeout;
  #calls = 0;
  #recorded = 0;

  constructor(id: number, context: Pick<BackfillContext, 'database' | 'clock'>) {
    this.#id = id;
    this.#context = context;
    // A database that is away keeps the work from going on, too, and that is told.
    this.#timer = setInterval(() => void this.#record().catch(() => {}), interval);
  }

  /** Aborted once somebody has cancelled or paused the order. */
  get withdrawn(): AbortSignal {
    return this.#withdrawn.signal;
  }

  /** @param calls all that were sent so far */
  count(calls: number): void {
    this.#calls = calls;
  }

  /** Records the last calls. @throws what the database says */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#record();
  }

  async #record(): Promise<void> {
    const { database, clock } = this.#context;
    const sent = this.#calls - this.#recorded;
    this.#recorded = this.#calls;
    const state = await recordHeartbeat(database, this.#id, sent, clock.now());
    if (state === 'cancelled' || state === 'paused') this.#withdrawn.abort();
  }
}
