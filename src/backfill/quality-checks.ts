import { setTimeout as sleep } from 'node:timers/promises';
import { runQualityChecks } from '../store/answers/quality.ts';
import type { BackfillContext } from './context.ts';

/** How long stored values wait until they are checked. */
const interval = 20_000;

/** Checks what is stored while more is fetched, so that little is left to check at the end. */
export class QualityChecks {
  readonly #context: Pick<BackfillContext, 'database' | 'clock'>;
  readonly #stopping = new AbortController();
  readonly #running: Promise<void>;

  constructor(context: Pick<BackfillContext, 'database' | 'clock'>) {
    this.#context = context;
    this.#running = this.#repeat();
  }

  /** Checks what is left. */
  async finish(signal: AbortSignal): Promise<void> {
    this.stop();
    await this.#running;
    await runQualityChecks(this.#context.database, this.#context.clock.now(), signal);
  }

  stop(): void {
    this.#stopping.abort();
  }

  async #repeat(): Promise<void> {
    const { database, clock } = this.#context;
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      try {
        await sleep(interval, undefined, { signal });
        await runQualityChecks(database, clock.now(), signal);
      } catch {
        // A database that cannot check cannot store either, and that is told.
      }
    }
  }
}
