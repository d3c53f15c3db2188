import { setTimeout as sleep } from 'node:timers/promises';
import type { Milliseconds } from '../../time.ts';

/** Turns that were taken. */
export interface TakenTurns {
  /** Until each of them; at most as many as were asked for. `refused`: none, and none is to be had. */
  readonly turns: readonly Milliseconds[] | 'refused';
  /** Until asking for more makes sense. */
  readonly pause: Milliseconds;
}

interface Caller {
  readonly served: (wait: Milliseconds | 'refused') => void;
  readonly failed: (error: unknown) => void;
}

/**
 * Callers of one kind in this process, who wait in line: one statement at a time takes turns for all of them. Asked for one
 * by one, turns would cost a statement each, and several a second of everybody who has to wait.
 */
export class TurnLine {
  readonly #take: (callers: number) => Promise<TakenTurns>;
  /** In the order in which they came. */
  readonly #waiting = new Set<Caller>();
  #isServed = false;
  #pause = new AbortController();

  /** @param take takes up to so many turns */
  constructor(take: (callers: number) => Promise<TakenTurns>) {
    this.#take = take;
  }

  /**
   * Waits until a turn is taken.
   * @returns how long it is until then, or that there is none
   * @throws what `take` throws, the signal's reason
   */
  join(signal?: AbortSignal): Promise<Milliseconds | 'refused'> {
    return new Promise((done, fail) => {
      const leave = () => {
        this.#waiting.delete(caller);
        // Nobody is left whom the pause is for.
        if (this.#waiting.size === 0) this.#pause.abort();
        fail(signal?.reason);
      };
      const caller: Caller = {
        served: (wait) => {
          signal?.removeEventListener('abort', leave);
          done(wait);
        },
        failed: (error) => {
          signal?.removeEventListener('abort', leave);
          fail(error);
        },
      };
      if (signal?.aborted === true) return leave();
      signal?.addEventListener('abort', leave, { once: true });
      this.#waiting.add(caller);
      void this.#serve();
    });
  }

  async #serve(): Promise<void> {
    if (this.#isServed) return;
    this.#isServed = true;
    try {
      while (this.#waiting.size > 0) {
        const { turns, pause } = await this.#take(this.#waiting.size);
        this.#handOut(turns);
        if (this.#waiting.size > 0) await this.#wait(pause);
      }
    } catch (error) {
      for (const { failed } of this.#waiting) failed(error);
      this.#waiting.clear();
    } finally {
      this.#isServed = false;
    }
  }

  #handOut(turns: TakenTurns['turns']): void {
    const callers = [...this.#waiting];
    const served = turns === 'refused' ? callers : callers.slice(0, turns.length);
    for (const [place, caller] of served.entries()) {
      this.#waiting.delete(caller);
      caller.served(turns === 'refused' ? turns : (turns[place] ?? 0));
    }
  }

  async #wait(pause: Milliseconds): Promise<void> {
    this.#pause = new AbortController();
    await sleep(pause, undefined, { signal: this.#pause.signal }).catch(() => {});
  }
}
