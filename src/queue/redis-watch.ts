import type { Redis } from 'ioredis';
import type { Logger } from 'pino';
import { innermost } from '../errors.ts';
import type { Milliseconds } from '../time.ts';

/** How often the Redis is tried. */
const defaultInterval: Milliseconds = 5000;

/** How long it may take to answer. */
const answerTimeout: Milliseconds = 4000;

/**
 * Finds out whether the Redis of the queue can be written to. One that is away, a replica, out of memory or without its
 * replicas is told once when that begins, and once when it is over: BullMQ repeats its errors without end.
 */
export class RedisWatch {
  readonly #redis: Pick<Redis, 'set'>;
  readonly #key: string;
  readonly #log: Logger;
  readonly #onChange: (problem: string | undefined) => Promise<void>;
  readonly #timer: NodeJS.Timeout;
  #problem: string | undefined;
  #isAsking = false;
  #isFirst = true;

  /**
   * @param redis a connection of its own, which gives up rather than waits
   * @param onChange told of the trouble when it begins, and of `undefined` when it is over, and when first there is none
   */
  constructor(
    redis: Pick<Redis, 'set'>,
    prefix: string,
    log: Logger,
    interval = defaultInterval,
    onChange: (problem: string | undefined) => Promise<void> = async () => {},
  ) {
    this.#redis = redis;
    this.#key = `${prefix}:probe`;
    this.#log = log;
    this.#onChange = onChange;
    this.#timer = setInterval(() => void this.check(), interval);
    this.#timer.unref();
  }

  /** The trouble with the Redis; `undefined` where it takes writes. */
  get problem(): string | undefined {
    return this.#problem;
  }

  async check(): Promise<void> {
    if (this.#isAsking) return;
    this.#isAsking = true;
    try {
      await this.#note(await this.#tryToWrite());
    } finally {
      this.#isAsking = false;
    }
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  async #tryToWrite(): Promise<string | undefined> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<string>((done) => {
      timer = setTimeout(() => done(`no answer within ${answerTimeout / 1000} s`), answerTimeout);
    });
    const written = this.#redis
      .set(this.#key, '1', 'EX', 60)
      .then(() => undefined)
      .catch((error: unknown) => innermost(error));
    try {
      return await Promise.race([written, late]);
    } finally {
      clearTimeout(timer);
    }
  }

  async #note(problem: string | undefined): Promise<void> {
    const before = this.#problem;
    const isFirst = this.#isFirst;
    this.#problem = problem;
    this.#isFirst = false;
    if (problem !== undefined && before === undefined) {
      this.#log.warn({ reason: problem }, 'the Redis of the queue takes no writes: work waits until it does');
    } else if (problem === undefined && before !== undefined) {
      this.#log.info('the Redis of the queue takes writes again');
    }
    if (isFirst || (problem === undefined) !== (before === undefined)) await this.#onChange(problem);
  }
}
