import { setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import pLimit, { type LimitFunction } from 'p-limit';
import type { Logger } from 'pino';
import { formatBeijing } from '../beijing.ts';
import type { Granularity } from '../catalog/index.ts';
import type { Clock } from '../clock.ts';
import { innermost } from '../errors.ts';
import { ApiFailure } from '../ingest/failure.ts';
import type { Ingestor } from '../ingest/ingestor.ts';
import type { Lane } from '../planning/lanes.ts';
import type { Database } from '../store/connection/database.ts';
import { tryToNote } from '../store/ledger/events.ts';
import { readHistoryPause } from '../store/ledger/history-pause.ts';
import { BudgetSpent } from '../store/limits/rate-limiter.ts';
import type { Instant, Milliseconds } from '../time.ts';
import { type JobWorker, type QueueBackend, rateLimitError } from './backend.ts';
import type { DatabaseWatch } from './database-watch.ts';
import { fetchQueue, fromFetchJob, liveQueue } from './jobs.ts';
import { WorkLog } from './work-log.ts';

/** Most jobs for the newest windows at a time: a tick has two a granularity. */
const mostLive = 4;

/** The call that was refused itself comes back soon, and then learns when the next probe is due. */
const shortestWait: Milliseconds = 1000;

/** It is looked so often at least whether access is granted again: another process, or a person, may have found out. */
const longestWait: Milliseconds = 10_000;

/** Jobs for each call at a time: while one waits for its answer, another reads what it lacks or stores what it got. */
const jobsPerCall = 2;

const defaultOutagePause: Milliseconds = 10_000;

const hour: Milliseconds = 3_600_000;
const day: Milliseconds = 86_400_000;

export interface FetcherOptions {
  readonly backend: QueueBackend;
  readonly ingestor: Ingestor;
  readonly database: Database;
  readonly clock: Clock;
  readonly log: Logger;
  /** Told of errors of the database. */
  readonly databaseWatch: Pick<DatabaseWatch, 'note'>;
  /** Calls at a time in this process, besides those for the newest windows. */
  readonly concurrency: number;
  /** How long nothing is asked for while it cannot be stored. */
  readonly outagePause?: Milliseconds;
}

/** Works off the fetch queue. Any number of them may run; a job that is done twice writes nothing the second time. */
export class Fetcher {
  readonly #options: FetcherOptions;
  readonly #stopping = new AbortController();
  readonly #spentUntil = new Map<Lane, Instant>();
  readonly #toldAt = new Map<string, number>();
  readonly #workLog: WorkLog;
  /** Jobs that wait for the end of a pause. The first one shows whether the others have to wait on. */
  readonly #oneByOne = pLimit(1);
  /** Milliseconds of `performance.now()`; `undefined` where no job was held up since the last one that was not. */
  #pausedUntil: number | undefined;
  #workers: readonly JobWorker[] = [];
  #lastEndedAt = performance.now();

  constructor(options: FetcherOptions) {
    this.#options = options;
    this.#workLog = new WorkLog(options.log, options.clock);
    // Every call that is under way listens.
    setMaxListeners(0, this.#stopping.signal);
  }

  /** When a job last ended, well or not, or had a reason to wait; milliseconds of `performance.now()`. */
  get lastEndedAt(): number {
    return Math.max(this.#lastEndedAt, Math.min(performance.now(), this.#pausedUntil ?? 0));
  }

  async start(): Promise<void> {
    const { backend, concurrency } = this.#options;
    this.#workers = [
      this.#work(backend, liveQueue, Math.min(concurrency, mostLive), 1),
      this.#work(backend, fetchQueue, concurrency, jobsPerCall),
    ];
    await Promise.all(this.#workers.map((worker) => worker.waitUntilReady()));
  }

  /** @param calls most of them at a time */
  #work(backend: QueueBackend, queue: string, calls: number, jobsPerCall: number): JobWorker {
    const slots = pLimit(calls);
    const run = async (data: unknown) => {
      try {
        await this.#run(data, slots);
      } finally {
        this.#lastEndedAt = performance.now();
      }
    };
    return backend.worker(queue, (job) => run(job.data), { concurrency: calls * jobsPerCall });
  }

  /** Ends calls that are under way; their gaps stay for the next plan. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await Promise.all(this.#workers.map((worker) => worker.close()));
  }

  async #run(data: unknown, slots: LimitFunction): Promise<void> {
    if (this.#pausedUntil === undefined) return this.#attempt(data, slots);
    await this.#oneByOne(async () => {
      if (await this.#pauseIsOver()) await this.#attempt(data, slots);
    });
  }

  /** @returns false where the process ends meanwhile */
  async #pauseIsOver(): Promise<boolean> {
    const { signal } = this.#stopping;
    const left = (this.#pausedUntil ?? 0) - performance.now();
    if (left > 0) await sleep(left, undefined, { signal }).catch(() => {});
    return !signal.aborted;
  }

  /**
   * Has all jobs wait, for none will do better. BullMQ's own rate limit of a queue would not hold those that are claimed
   * meanwhile, unless every claim were counted.
   *
   * @returns what the job ends with, which goes back to where it waited
   */
  #pause(milliseconds: Milliseconds): Error {
    this.#pausedUntil = Math.max(this.#pausedUntil ?? 0, performance.now() + milliseconds);
    return rateLimitError();
  }

  async #attempt(data: unknown, slots: LimitFunction): Promise<void> {
    const { ingestor, log, databaseWatch, outagePause = defaultOutagePause } = this.#options;
    const { request, lane } = fromFetchJob(data, ingestor.catalogue);
    const context = { lane, granularity: request.granularity };
    try {
      // What was queued before is a gap still, and planned again once history goes on.
      if (lane === 'history' && (await readHistoryPause(this.#options.database)) !== undefined) return;
      const tally = await ingestor.ingest(request, lane, {
        signal: this.#stopping.signal,
        inSlot: (question) => slots(question),
      });
      this.#pausedUntil = undefined;
      log.debug({ ...context, ...tally }, 'fetched');
      this.#workLog.note(tally);
    } catch (error) {
      if (this.#stopping.signal.aborted) return;
      if (error instanceof BudgetSpent) return this.#tellSpent(error);
      if (error instanceof ApiFailure && error.kind === 'access-denied')
        throw this.#pause(Math.min(longestWait, error.retryAfter ?? shortestWait));
      if (error instanceof ApiFailure) {
        await this.#tellFailure(error, context);
        throw error;
      }
      const isAway = databaseWatch.note(error);
      log[isAway ? 'debug' : 'error']({ ...context, error: innermost(error) }, 'not stored');
      if (isAway) throw this.#pause(outagePause);
      throw error;
    }
  }

  /**
   * The gap stays for the next plan. An outage is told of once, by whoever sends the calls; other failures once an hour a
   * kind, for every plan repeats them.
   */
  async #tellFailure(
    { kind, code, message }: ApiFailure,
    context: { readonly lane: Lane; readonly granularity: Granularity },
  ): Promise<void> {
    const { ingestor, log, clock, database } = this.#options;
    const now = performance.now();
    const key = `${kind} ${code} ${context.granularity}`;
    const told = this.#toldAt.get(key);
    const isNews = !ingestor.isApiOut && (told === undefined || now - told >= hour);
    if (isNews) this.#toldAt.set(key, now);
    log[isNews ? 'warn' : 'debug'](
      { ...context, kind, reason: message },
      'not fetched: the gap stays for the next plan, and is told of once an hour',
    );
    if (kind !== 'bad-request') return;
    await tryToNote(database, log, {
      ...{ kind: 'request refused', at: clock.now(), granularity: context.granularity, joinsWithin: day },
      message: `the API finds a request wrong: ${message}`,
    });
  }

  /** The gap stays; the planner queues no history until the budget allows it. Said once an hour at most. */
  async #tellSpent({ lane, until }: BudgetSpent): Promise<void> {
    const { log, clock, database } = this.#options;
    const told = this.#spentUntil.get(lane);
    if (told !== undefined && until - told < hour) return;
    this.#spentUntil.set(lane, until);
    log.warn(
      { lane, until: formatBeijing(until) },
      'the daily budget is used up as far as this lane may have it: it resumes by itself',
    );
    await tryToNote(database, log, {
      ...{ kind: 'budget used up', at: clock.now(), subject: lane, joinsWithin: day },
      message: `the daily budget is used up as far as ${lane} calls may have it, until ${formatBeijing(until)} (Beijing)`,
    });
  }
}
