import type { FaultKind } from './faults.ts';
import type { JsonObject } from './refusal.ts';
import type { Call } from './settings.ts';

/** A request to one of the API's calls, before it is answered. */
export interface IncomingCall {
  /** Counted from 1, in the order of arrival. */
  readonly number: number;
  /** Milliseconds since the epoch, by the simulator's clock. */
  readonly at: number;
  readonly call: Call;
  /** The decrypted business parameters; `undefined` where the envelope was refused. */
  readonly business: JsonObject | undefined;
}

/** The same, with how it was answered. */
export interface LoggedRequest extends IncomingCall {
  /** HTTP status; 0 where the connection was cut before it. */
  readonly status: number;
  /** Code in the envelope; `undefined` where there was no envelope. */
  readonly code: number | undefined;
  /** Records in the answer. */
  readonly records: number;
  readonly fault: Exclude<FaultKind, 'slow'> | 'rateLimit' | undefined;
  /** Milliseconds that the answer was held back on purpose. */
  readonly delay: number;
}

/** What has happened since the simulator started. */
export interface Counters {
  /** Requests to the API's calls; other paths are not counted. */
  readonly requests: number;
  /** Answers by code in the envelope. */
  readonly byCode: Readonly<Record<number, number>>;
  /** Answers by HTTP status; 0 stands for connections cut before it. */
  readonly byStatus: Readonly<Record<number, number>>;
  readonly byFault: Readonly<Record<string, number>>;
  /** Records in all answers with code 200. */
  readonly records: number;
}

/** Counts all requests and remembers the newest ones. */
export class Recorder {
  readonly #capacity: number;
  #log: LoggedRequest[] = [];
  #requests = 0;
  #records = 0;
  readonly #byCode: Record<number, number> = {};
  readonly #byStatus: Record<number, number> = {};
  readonly #byFault: Record<string, number> = {};

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** @returns the number of the request that has just arrived */
  arrived(): number {
    this.#requests += 1;
    return this.#requests;
  }

  add(request: LoggedRequest): void {
    this.#records += request.records;
    count(this.#byStatus, request.status);
    if (request.code !== undefined) count(this.#byCode, request.code);
    if (request.fault !== undefined) count(this.#byFault, request.fault);
    if (request.delay > 0) count(this.#byFault, 'slow');
    this.#log.push(request);
    // Cutting only now and then keeps adding cheap.
    if (this.#log.length > 2 * this.#capacity) this.#log = this.#log.slice(-this.#capacity);
  }

  get log(): readonly LoggedRequest[] {
    return this.#capacity === 0 ? [] : this.#log.slice(-this.#capacity);
  }

  clearLog(): void {
    this.#log = [];
  }

  get counters(): Counters {
    return {
      requests: this.#requests,
      records: this.#records,
      byCode: { ...this.#byCode },
      byStatus: { ...this.#byStatus },
      byFault: { ...this.#byFault },
    };
  }
}

function count<Key extends string | number>(counts: Record<Key, number>, key: Key): void {
  counts[key] = (counts[key] ?? 0) + 1;
}
