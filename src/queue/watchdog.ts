import type { Logger } from 'pino';
import { innermost } from '../errors.ts';
import type { Milliseconds } from '../time.ts';

/** Work that ought to get on as long as there is any. */
export interface WatchedWork {
  readonly name: string;
  /** Whether any waits or is under way. */
  readonly hasWork: () => Promise<boolean>;
  /** When some of it last ended, well or not; milliseconds of the clock that the watchdog has. */
  readonly lastEndedAt: () => number;
}

/** Work that waits while nothing of it ends. */
export interface Stall {
  readonly name: string;
  readonly seconds: number;
}

export interface WatchdogOptions {
  readonly work: readonly WatchedWork[];
  readonly log: Logger;
  /** A clock that nobody sets; milliseconds. */
  readonly now?: () => number;
  readonly interval?: Milliseconds;
  /** Work that has waited so long is told. */
  readonly tellAfter: Milliseconds;
  /** Work that has waited so long is not going to get on by itself. */
  readonly giveUpAfter: Milliseconds;
  /** Told when work begins to stall, and when it gets on again. */
  readonly onChange?: (stall: Stall, isStalled: boolean) => Promise<void>;
  /** Ends the process, for its supervisor to start another. */
  readonly giveUp: (stall: Stall) => void;
}

const defaultInterval = 15_000;

/** Sees that work waits and none of it ends, whatever the reason: the last resort behind all other bounds. */
export class Watchdog {
  readonly #options: WatchdogOptions;
  readonly #now: () => number;
  /** When work that still waits was first seen. */
  readonly #waitingSince = new Map<string, number>();
  #timer: NodeJS.Timeout | undefined;
  #stalls: readonly Stall[] = [];

  constructor(options: WatchdogOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
  }

  get stalls(): readonly Stall[] {
    return this.#stalls;
  }

  start(): void {
    this.#timer = setInterval(() => void this.check(), this.#options.interval ?? defaultInterval);
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  async check(): Promise<void> {
    const { work, log, tellAfter, giveUpAfter, giveUp, onChange = async () => {} } = this.#options;
    const before = new Set(this.#stalls.map(({ name }) => name));
    const waits = await Promise.all(work.map((each) => this.#waitOf(each)));
    const stalls = waits.filter(({ seconds }) => seconds * 1000 >= tellAfter);
    this.#stalls = stalls;
    for (const stall of stalls) {
      if (before.has(stall.name)) continue;
      log.error(stall, 'work waits, and none of it ends');
      await onChange(stall, true);
    }
    for (const wait of waits) {
      if (before.has(wait.name) && !stalls.includes(wait)) await onChange(wait, false);
    }
    const hopeless = stalls.find(({ seconds }) => seconds * 1000 >= giveUpAfter);
    if (hopeless !== undefined) giveUp(hopeless);
  }

  async #waitOf({ name, hasWork, lastEndedAt }: WatchedWork): Promise<Stall> {
    try {
      if (!(await hasWork())) {
        this.#waitingSince.delete(name);
        return { name, seconds: 0 };
      }
    } catch (error) {
      // A queue that is away is told elsewhere, and is there again only by itself.
      this.#options.log.debug(
        { name, error: innermost(error) },
        'the watchdog could not see whether work waits',
      );
      return { name, seconds: 0 };
    }
    const now = this.#now();
    const since = this.#waitingSince.get(name) ?? now;
    this.#waitingSince.set(name, since);
    return { name, seconds: Math.round((now - Math.max(since, lastEndedAt())) / 1000) };
  }
}
