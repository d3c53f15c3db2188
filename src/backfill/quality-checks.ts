import { setTimeout as sleep } from 'node:timers/promises';
import { runQualityChecks, runQualityChecksIfFree, tellChecks } from '../store/answers/quality/index.ts';
import type { BackfillContext } from './context.ts';

/** How long stored values wait at least until they are checked. */
const interval = 20_000;

/** While more is fetched the checks rest for so many times as long as they took: a tenth of the time at most is theirs. */
const restFactor = 9;

type Context = Pick<BackfillContext, 'database' | 'clock' | 'log'>;

/** Checks what is stored while more is fetched, so that little is left to check at the end. */
export class QualityChecks {
  readonly #context: Context;
  readonly #stopping = new AbortController();
  readonly #running: Promise<void>;

  constructor(context: Context) {
    this.#context = context;
    this.#running = this.#repeat();
  }

  /** Checks what is left. */
  async finish(signal: AbortSignal): Promise<void> {
    this.stop();
    await this.#running;
    const { database, clock, log } = this.#context;
    tellChecks(log, await runQualityChecks(database, clock.now(), signal));
  }

  stop(): void {
    this.#stopping.abort();
  }

  async #repeat(): Promise<void> {
    const { database, clock, log } = this.#context;
    const { signal } = this.#stopping;
    let took = 0;
    while (!signal.aborted) {
      try {
        await sleep(Math.max(interval, restFactor * took), undefined, { signal });
        const started = performance.now();
        const result = await runQualityChecksIfFree(database, clock.now(), signal);
        took = performance.now() - started;
        if (result !== undefined) tellChecks(log, result);
      } catch {
        // A database that cannot check cannot store either, and that is told.
      }
    }
  }
}
