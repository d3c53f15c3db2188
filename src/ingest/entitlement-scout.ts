import { setTimeout as sleep } from 'node:timers/promises';
import type { MetricCode, TagCode } from '../catalog/index.ts';
import type { Clock } from '../clock.ts';
import type { Database } from '../store/connection/database.ts';
import { readRefused, storeRefused } from '../store/ledger/entitlements.ts';
import { SharedReading } from './shared-reading.ts';

type Code = MetricCode | TagCode;

/** How long what the database says of refusals is taken from memory, in milliseconds. */
const rereadAfter = 1000;

/**
 * How long a request waits at most for another one to find out about its codes, in milliseconds. A search takes some ten
 * calls, at one a second by default.
 */
const longestWait = 60_000;

/**
 * Knowledge of the subscription that the requests of a process share: which codes are refused (the database's truth, and at once
 * what was learned here), and which were answered. Codes of neither kind are found out by one request at a time: all that
 * are under way would else be refused, each searching for the same code.
 */
export class EntitlementScout {
  readonly #database: Database;
  readonly #clock: Clock;
  readonly #granted = new Set<Code>();
  #refused: ReadonlySet<Code> = new Set();
  /** When that was read, by the machine's timer and by the clock, which may be set. */
  #readAt = { timer: Number.NEGATIVE_INFINITY, clock: 0 };
  readonly #reading = new SharedReading(
    () => this.#read(),
    ({ refused, readAt }) => {
      this.#refused = refused;
      this.#readAt = readAt;
    },
  );
  /** Settles when the request that is finding out has ended. */
  #search: Promise<void> | undefined;

  constructor(database: Database, clock: Clock) {
    this.#database = database;
    this.#clock = clock;
  }

  /** Codes that were answered, as far as this process remembers. */
  get granted(): ReadonlySet<Code> {
    return this.#granted;
  }

  /** Codes that the subscription does not include, as far as anybody knows. */
  async refused(): Promise<ReadonlySet<Code>> {
    const now = this.#now();
    const age = Math.max(now.timer - this.#readAt.timer, Math.abs(now.clock - this.#readAt.clock));
    if (age <= rereadAfter) return this.#refused;
    return (await this.#reading.get()).refused;
  }

  #now() {
    return { timer: performance.now(), clock: this.#clock.now() };
  }

  async #read() {
    const readAt = this.#now();
    return { refused: await readRefused(this.#database, readAt.clock), readAt };
  }

  /** Remembers, here and for all processes, that a code is not part of the subscription. */
  async blame(code: Code): Promise<void> {
    this.#granted.delete(code);
    this.#refused = new Set([...this.#refused, code]);
    this.#reading.forget();
    await storeRefused(this.#database, code, this.#clock.now());
  }

  /** These were answered. */
  grant(codes: readonly Code[]): void {
    for (const code of codes) this.#granted.add(code);
    if (!codes.some((code) => this.#refused.has(code))) return;
    this.#readAt.timer = Number.NEGATIVE_INFINITY;
    this.#reading.forget();
  }

  /** One of these was refused: that some of them were answered before says nothing any more. */
  doubt(codes: readonly Code[]): void {
    for (const code of codes) this.#granted.delete(code);
  }

  /**
   * Waits while another request finds out about codes that nobody knows; where none does, the caller is the one, until it
   * calls what is returned. Returns at once where all codes are known.
   */
  async enter(codes: readonly Code[], signal: AbortSignal | undefined): Promise<() => void> {
    const deadline = performance.now() + longestWait;
    for (;;) {
      const refused = await this.refused();
      if (codes.every((code) => this.#granted.has(code) || refused.has(code))) return () => {};
      const left = deadline - performance.now();
      if (this.#search === undefined) return this.#begin();
      if (left <= 0) return () => {};
      await waitFor(this.#search, left, signal);
    }
  }

  #begin(): () => void {
    let end = () => {};
    const search = new Promise<void>((done) => {
      end = done;
    });
    this.#search = search;
    return () => {
      if (this.#search === search) this.#search = undefined;
      end();
    };
  }
}

/** @throws the signal's reason when aborted */
async function waitFor(
  search: Promise<void>,
  milliseconds: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  const over = new AbortController();
  const ends = signal === undefined ? over.signal : AbortSignal.any([over.signal, signal]);
  const timer = sleep(milliseconds, undefined, { signal: ends, ref: false }).catch(() => {});
  await Promise.race([search, timer]);
  over.abort();
  signal?.throwIfAborted();
}
