import type { Logger } from 'pino';
import { innermost } from '../errors.ts';
import type { Milliseconds } from '../time.ts';

/** How often it is looked. */
const defaultInterval: Milliseconds = 10_000;

/** A process that lives renews its locks and its look for lost jobs far more often. */
const defaultUnmovedFor: Milliseconds = 20_000;

/** Longer than any pause of a queue: a probe of refused access is due within the hour. */
const longestPause: Milliseconds = 2 * 3_600_000;

/** An instant that BullMQ keeps, in milliseconds since the epoch. */
interface Kept {
  /** A lock of a job, the last look for jobs of dead processes, or the end of a queue's pause. */
  readonly what: 'lock' | 'look' | 'pause';
  readonly queue: string;
  /** Of a lock: the job's. */
  readonly id: string;
  /** Text, since it is a bigint. */
  readonly at: string;
}

/** The part of a pool that is needed; its search path leads to BullMQ's schema. */
interface Connections {
  query<Row extends object>(text: string, values: readonly unknown[]): Promise<{ rows: Row[] }>;
}

/**
 * Ends what BullMQ keeps in PostgreSQL of a clock that ran ahead. Its locks, its looks for the jobs of dead processes and
 * its pauses end at instants of the processes' clocks (Redis has them run off by itself). Once such a clock is right again,
 * no lost job is found until that time has come, and where one of the planner's is lost nothing is planned.
 *
 * No clock is asked which one is right: what a living process keeps moves, so what lies ahead and has not moved is ended.
 */
export class PostgresWatch {
  readonly #connections: Connections;
  readonly #log: Logger;
  readonly #unmovedFor: Milliseconds;
  readonly #timer: NodeJS.Timeout;
  /** When each instant that lies ahead was first seen, in milliseconds of `performance.now()`. */
  #seen = new Map<string, number>();
  #looking: Promise<void> | undefined;

  constructor(
    connections: Connections,
    log: Logger,
    {
      interval = defaultInterval,
      unmovedFor = defaultUnmovedFor,
    }: { readonly interval?: Milliseconds; readonly unmovedFor?: Milliseconds } = {},
  ) {
    this.#connections = connections;
    this.#log = log;
    this.#unmovedFor = unmovedFor;
    this.#timer = setInterval(() => void this.check(), interval);
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Looks once; one look at a time. Never rejects. */
  check(): Promise<void> {
    this.#looking ??= this.#look()
      .catch((error: unknown) =>
        this.#log.debug({ error: innermost(error) }, 'the clocks of the queue could not be checked'),
      )
      .finally(() => {
        this.#looking = undefined;
      });
    return this.#looking;
  }

  async #look(): Promise<void> {
    const now = performance.now();
    const ahead = await this.#readAhead();
    const seen = new Map(ahead.map((kept) => [keyOf(kept), this.#seen.get(keyOf(kept)) ?? now] as const));
    this.#seen = seen;
    for (const kept of ahead) {
      if (now - (seen.get(keyOf(kept)) ?? now) < this.#unmovedFor) continue;
      await this.#connections.query(endings[kept.what], valuesOf(kept));
      this.#log.warn(
        { queue: kept.queue, what: kept.what, until: new Date(Number(kept.at)).toISOString() },
        'the queue was held up by a clock that ran ahead: it goes on',
      );
    }
  }

  async #readAhead(): Promise<readonly Kept[]> {
    const now = Date.now();
    const { rows } = await this.#connections.query<Kept>(
      `select 'lock' as what, queue, id, locked_until_ms::text as at from job
       where state = 'active' and locked_until_ms > $1
       union all
       select 'look', queue, '', value from meta where field = 'stalled-check' and value::bigint > $1
       union all
       select 'pause', queue, '', expire_at_ms::text from rate_limit where expire_at_ms > $2`,
      [now, now + longestPause],
    );
    return rows;
  }
}

const keyOf = ({ what, queue, id, at }: Kept) => JSON.stringify([what, queue, id, at]);

/**
 * Statements that end what is kept, unless it moved meanwhile. A lock that is over makes its job one of the lost. A worker's
 * role may delete none of the rows.
 */
const endings: Readonly<Record<Kept['what'], string>> = {
  lock: `update job set locked_until_ms = 0
         where queue = $1 and locked_until_ms = $2 and id = $3 and state = 'active'`,
  look: `update meta set value = '0' where queue = $1 and value = $2 and field = 'stalled-check'`,
  pause: 'update rate_limit set expire_at_ms = 0 where queue = $1 and expire_at_ms = $2',
};

function valuesOf({ what, queue, id, at }: Kept): readonly string[] {
  return what === 'lock' ? [queue, at, id] : [queue, at];
}
