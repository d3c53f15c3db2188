import { setMaxListeners } from 'node:events';
import pLimit from 'p-limit';
import { windowLength } from '../catalog/index.ts';
import type { Clock } from '../clock.ts';
import type { IngestTally } from '../ingest/context.ts';
import { ApiFailure, type FailureKind } from '../ingest/failure.ts';
import type { Ingestor } from '../ingest/ingestor.ts';
import { type Lane, laneOfGap } from '../planning/lanes.ts';
import type { Packer } from '../planning/packing.ts';
import { planRequests, type WantedWindows } from '../planning/plan.ts';
import type { DataRequest } from '../planning/request.ts';
import { windowCount } from '../planning/windows.ts';
import { wasAnsweredSince } from '../store/answers/requests.ts';
import type { Database } from '../store/connection/database.ts';
import { everyRequestWrong } from '../store/limits/breaker.ts';
import { BudgetSpent } from '../store/limits/rate-limiter.ts';
import type { Instant } from '../time.ts';
import { type FillScope, gapReader, stretchOf } from './scope.ts';

/** Fills gaps in the foreground: the same plan and the same ingestion as the queue's, without the queue. */

export interface FillOptions {
  readonly database: Database;
  readonly ingestor: Ingestor;
  readonly packer: Packer;
  readonly scope: FillScope;
  readonly clock: Clock;
  /** Requests at a time. */
  readonly concurrency: number;
  /** Most calls on the wire, retries included. */
  readonly mostCalls?: number | undefined;
  readonly signal: AbortSignal;
  /** Told after every request that was answered. */
  readonly onProgress?: (cells: number, tally: IngestTally, request: DataRequest) => void;
}

/** How a fill ended. */
export interface FillResult {
  readonly tally: IngestTally;
  /**
   * `done`: all was asked for; whether gaps are left, the ledger knows. `no-answers`: the API gave none for long.
   * `all-wrong`: it found every request wrong.
   */
  readonly end: 'done' | 'stopped' | 'limit' | 'budget' | 'access-denied' | 'no-answers' | 'all-wrong';
  /** When a call may be sent again at the earliest, where the daily budget is used up. */
  readonly budgetUntil: Instant | undefined;
  /** Requests that failed in the last pass, and the last of their reasons. */
  readonly failures: number;
  /** The windows that were asked for in the end. */
  readonly wanted: WantedWindows | undefined;
  readonly lastFailure: { readonly kind: FailureKind; readonly message: string } | undefined;
}

/** The call limit of a fill is used up. */
class LimitReached extends Error {}

const mostPasses = 3;

/** Requests that fail one after the other, each after its retries, until the API counts as down, or all as wrong. */
const mostFailuresInARow = 10;

/**
 * Asks for every gap of the scope. Requests that failed are sent again in a further pass, as long as passes get anywhere.
 *
 * @throws what the database says where answers cannot be stored
 */
export async function fillGaps(options: FillOptions): Promise<FillResult> {
  const fill = new Fill(options);
  for (let pass = 1; ; pass++) {
    await fill.pass();
    const { result, answered } = fill;
    if (result.end === 'done' && ((await fill.followDayStart()) || (await fill.followAvailability())))
      continue;
    if (result.end !== 'done' || result.failures === 0 || answered === 0 || pass === mostPasses)
      return result;
  }
}

class Fill {
  readonly #options: FillOptions;
  #scope: FillScope;
  readonly #startedAt: Instant;
  readonly #tally: IngestTally = {
    calls: 0,
    values: 0,
    rowsWritten: 0,
    revisions: 0,
    rejects: 0,
    windowsBeside: 0,
  };
  readonly #stop = new AbortController();
  #calls = 0;
  #end: FillResult['end'] = 'done';
  readonly #spent = new Set<Lane>();
  #budgetUntil: Instant | undefined;
  #answered = 0;
  #failures = 0;
  #failuresInARow = 0;
  #lastFailure: FillResult['lastFailure'];
  #defect: { readonly error: unknown } | undefined;

  constructor(options: FillOptions) {
    this.#options = options;
    this.#scope = options.scope;
    this.#startedAt = options.clock.now();
    // Every call that is under way listens.
    setMaxListeners(0, this.#stop.signal, options.signal);
  }

  get result(): FillResult {
    return {
      tally: this.#tally,
      end: this.#end,
      budgetUntil: this.#budgetUntil,
      failures: this.#failures,
      wanted: this.#scope.wanted,
      lastFailure: this.#lastFailure,
    };
  }

  /** Requests answered in the last pass. */
  get answered(): number {
    return this.#answered;
  }

  /** Where days turned out to start at another hour, the next pass asks for the days as they are. */
  async followDayStart(): Promise<boolean> {
    const planned = this.#scope.wanted.get('1d');
    const reread = planned === undefined ? undefined : await this.#scope.reread?.();
    const known = reread?.wanted.get('1d');
    if (reread === undefined || planned === undefined || known === undefined) return false;
    if ((known.start - planned.start) % windowLength['1d'] === 0) return false;
    this.#scope = reread;
    return true;
  }

  /** Where probes showed that a token has the granularity after all, the next pass asks for the rest of its windows. */
  async followAvailability(): Promise<boolean> {
    const scope = this.#scope;
    const seemedLacking = [...scope.wanted.keys()].some((name) => (scope.lacking?.(name) ?? []).length > 0);
    const reread = seemedLacking ? await scope.reread?.() : undefined;
    const isMore = [...scope.wanted.keys()].some((granularity) => {
      const before = new Set(scope.tokensOf(granularity));
      return reread?.tokensOf(granularity).some((token) => !before.has(token)) === true;
    });
    if (reread === undefined || !isMore) return false;
    this.#scope = reread;
    return true;
  }

  async pass(): Promise<void> {
    const { database, packer, concurrency, signal } = this.#options;
    const scope = this.#scope;
    this.#answered = 0;
    this.#failures = 0;
    const limit = pLimit(concurrency);
    const running = new Set<Promise<void>>();
    for await (const request of planRequests(
      scope.wanted,
      // Windows that were answered with nothing during this fill are asked for again by the pipeline, later.
      gapReader(database, scope, { askedSince: this.#startedAt }),
      packer,
      stretchOf(scope),
    )) {
      if (signal.aborted || this.#stop.signal.aborted || this.#end !== 'done') break;
      const task = limit(() => this.#fetch(request)).finally(() => running.delete(task));
      running.add(task);
      // A few requests wait ready behind the ones under way; the rest of the plan stays unwritten.
      if (running.size >= concurrency * 2) await Promise.race(running);
    }
    await Promise.all(running);
    if (this.#defect !== undefined) throw this.#defect.error;
    if (this.#end === 'done' && !signal.aborted) await this.#settleDoubts();
    if (signal.aborted && this.#end === 'done') this.#end = 'stopped';
    if (this.#spent.size > 0) this.#endWith('budget');
  }

  async #fetch(request: DataRequest): Promise<void> {
    const { ingestor, clock, signal, onProgress } = this.#options;
    const scope = this.#scope;
    const abort = AbortSignal.any([signal, this.#stop.signal]);
    if (abort.aborted || this.#end !== 'done') return;
    // An order by hand may be large: it never takes the place of the newest windows.
    const found = laneOfGap(request.granularity, request.interval, clock.now());
    const lane = found === 'live' ? 'repair' : found;
    if (this.#spent.has(lane)) return;
    try {
      const tally = await ingestor.ingest(request, lane, {
        signal: abort,
        refreshOf: scope.refreshOf,
        asksSuspects: true,
        beforeCall: () => this.#countCall(),
        withdrawCall: () => this.#withdrawCall(),
      });
      this.#answered++;
      this.#failuresInARow = 0;
      this.#add(tally);
      const windows = windowCount(request.granularity, request.interval);
      onProgress?.(request.tokens.length * windows * request.metrics.length, this.#tally, request);
    } catch (error) {
      if (error instanceof LimitReached) return this.#endWith('limit');
      if (error instanceof BudgetSpent) {
        this.#budgetUntil = Math.min(error.until, this.#budgetUntil ?? error.until);
        // Where repairs may send no more, nor may history; the other way round repairs go on.
        this.#spent.add(lane);
        return lane === 'history' ? undefined : this.#endWith('budget');
      }
      if (abort.aborted) return;
      if (!(error instanceof ApiFailure)) {
        this.#defect ??= { error };
        return this.#stop.abort();
      }
      this.#failures++;
      this.#lastFailure = { kind: error.kind, message: error.message };
      if (error.kind === 'access-denied')
        this.#endWith(error.code === everyRequestWrong ? 'all-wrong' : 'access-denied');
      else if (++this.#failuresInARow >= mostFailuresInARow) await this.#endUnlessAnswered(error.kind);
    }
  }

  /** One wrong token fails every request that it is in, while the API answers for the others. */
  async #endUnlessAnswered(kind: FailureKind): Promise<void> {
    if (kind === 'transient') return this.#endWith('no-answers');
    if (!(await wasAnsweredSince(this.#options.database, this.#startedAt))) this.#endWith('all-wrong');
  }

  /** Finds out whether tokens that were answered with nothing lack the granularity, with a call or two. */
  async #settleDoubts(): Promise<void> {
    const { ingestor, signal } = this.#options;
    try {
      await ingestor.settleDoubts('history', {
        signal,
        beforeCall: () => this.#countCall(),
        withdrawCall: () => this.#withdrawCall(),
      });
    } catch (error) {
      if (!(error instanceof LimitReached || error instanceof BudgetSpent || signal.aborted)) throw error;
    }
  }

  #countCall(): void {
    const { mostCalls } = this.#options;
    if (mostCalls !== undefined && this.#calls >= mostCalls) throw new LimitReached();
    this.#calls++;
    this.#tally.calls = this.#calls;
  }

  #withdrawCall(): void {
    this.#calls--;
    this.#tally.calls = this.#calls;
  }

  #add(tally: IngestTally): void {
    this.#tally.values += tally.values;
    this.#tally.rowsWritten += tally.rowsWritten;
    this.#tally.revisions += tally.revisions;
    this.#tally.rejects += tally.rejects;
    this.#tally.windowsBeside += tally.windowsBeside;
  }

  /** Launches nothing more; calls under way may finish, unless there is no access to finish them with. */
  #endWith(end: FillResult['end']): void {
    if (this.#end === 'done') this.#end = end;
    if (end === 'access-denied') this.#stop.abort();
  }
}
