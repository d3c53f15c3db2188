import type pg from 'pg';
import type { Milliseconds } from '../../time.ts';
import type { SilenceWatch } from './silence.ts';

/** Told of every statement, for metrics. */
export type StatementObserver = (name: string, milliseconds: Milliseconds, failed: boolean) => void;

/** Times the work of a statement and tells the observer. */
export async function timed<T>(
  observe: StatementObserver,
  name: string,
  work: () => PromiseLike<T>,
): Promise<T> {
  const started = performance.now();
  let failed = true;
  try {
    const result = await work();
    failed = false;
    return result;
  } finally {
    observe(name, performance.now() - started, failed);
  }
}

/**
 * One connection, lent for what Drizzle does not do: several statements in one message, copying, libraries that bring
 * their own statements.
 */
export class Connection {
  readonly #client: pg.PoolClient;
  readonly #observe: StatementObserver;
  readonly #watch: SilenceWatch;
  #underWay = 0;

  constructor(client: pg.PoolClient, observe: StatementObserver, watch: SilenceWatch) {
    this.#client = client;
    this.#observe = observe;
    this.#watch = watch;
  }

  get isBusy(): boolean {
    return this.#underWay > 0;
  }

  /** Runs a statement, or without values several, which are then one transaction. */
  query<Row extends pg.QueryResultRow>(
    name: string,
    text: string,
    values?: readonly unknown[],
  ): Promise<pg.QueryResult<Row>> {
    return this.use(name, (client) => client.query<Row>(text, values && [...values]));
  }

  /** Hands the connection to a library; all its statements together count as one of the name. */
  async use<T>(name: string, work: (client: pg.PoolClient) => PromiseLike<T>): Promise<T> {
    this.#underWay++;
    try {
      return await timed(this.#observe, name, () =>
        this.#watch.during(this.#client, () => work(this.#client)),
      );
    } finally {
      this.#underWay--;
    }
  }

  /** Reads what a statement gives bit by bit, as fast as it is taken. */
  async *read<T>(name: string, start: (client: pg.PoolClient) => AsyncIterable<T>): AsyncGenerator<T> {
    const parts = start(this.#client)[Symbol.asyncIterator]();
    try {
      for (;;) {
        const part = await this.use(name, () => parts.next());
        if (part.done === true) return;
        yield part.value;
      }
    } finally {
      await parts.return?.();
    }
  }
}
