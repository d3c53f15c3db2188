import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import { type Granularity, isGranularity } from '../catalog/index.ts';
import type { Clock } from '../clock.ts';
import type { Settings } from '../config.ts';
import { innermost } from '../errors.ts';
import type { Ingestor } from '../ingest/ingestor.ts';
import { refreshTokenList } from '../ingest/token-list.ts';
import { runQualityChecks } from '../store/answers/quality.ts';
import type { Database } from '../store/connection/database.ts';
import { isTokenListOld } from '../store/ledger/tokens.ts';
import type { JobQueue, JobWorker, QueueBackend } from './backend.ts';
import { type PlanJob, type PlanTask, planJobSchema, planPriority, planQueue, planTasks } from './jobs.ts';
import type { Planner } from './planner.ts';
import { longestWait, schedule, timeZone } from './schedules.ts';

export interface SchedulerOptions {
  readonly backend: QueueBackend;
  readonly database: Database;
  readonly planner: Planner;
  readonly ingestor: Ingestor;
  readonly clock: Clock;
  readonly log: Logger;
  /** How often the schedules are looked at, in milliseconds. */
  readonly watchInterval?: number;
  readonly settings: Pick<Settings, 'granularities' | 'tags' | 'settleDelay' | 'requestsPerSecond'>;
}

/** How often the schedules are looked at, in milliseconds. */
const defaultWatchInterval = 15_000;

/** A task that has not run so long after its time, in milliseconds, is not going to. */
const overdue = 600_000;

/** How long values are looked over at a time, in milliseconds; planning has to wait meanwhile. */
const longestLook = 20_000;

/** Keeps the clock: registers what is due when, and plans when it is. Any number of them may run. */
export class Scheduler {
  readonly #options: SchedulerOptions;
  readonly #queue: JobQueue;
  readonly #stopping = new AbortController();
  #worker: JobWorker | undefined;
  #watching: Promise<void> | undefined;

  constructor(options: SchedulerOptions) {
    this.#options = options;
    this.#queue = options.backend.queue(planQueue);
  }

  /** Registers the schedules and plans everything once, so that a pause heals at once. */
  async start(): Promise<void> {
    const { backend } = this.#options;
    await this.#register();
    this.#worker = backend.worker(planQueue, (job) => this.#run(job.data), { concurrency: 1 });
    await this.#worker.waitUntilReady();
    await this.#planAtStart();
    this.#watching = this.#watch();
  }

  async #register(): Promise<void> {
    // BullMQ's registration is not safe against another scheduler that registers at the same moment.
    await this.#options.database.exclusively('register schedules', () => this.#upsertSchedules());
  }

  async #upsertSchedules(): Promise<void> {
    const { settings } = this.#options;
    // Two plans at once would queue the same gaps, packed differently.
    await this.#queue.setGlobalConcurrency(1);
    const tasks = this.#tasks();
    for (const task of tasks) {
      await this.#queue.upsertJobScheduler(
        task,
        { pattern: schedule(task, settings.settleDelay), tz: timeZone },
        {
          name: task,
          data: { task, lookback: true } satisfies PlanJob,
          opts: { priority: planPriority(task) },
        },
      );
    }
    for (const task of planTasks) if (!tasks.includes(task)) await this.#queue.removeJobScheduler(task);
  }

  async #watch(): Promise<void> {
    const { watchInterval = defaultWatchInterval } = this.#options;
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      await this.#keepSchedules(watchInterval);
      await sleep(watchInterval, undefined, { signal, ref: false }).catch(() => {});
    }
  }

  /**
   * A queue that was emptied, or restarted without its data, has forgotten the schedules; after a clock was set back they
   * lie too far ahead. Then they are registered anew, and everything is planned once.
   */
  async #keepSchedules(watchInterval: number): Promise<void> {
    const { log } = this.#options;
    try {
      // BullMQ's own clock counts here, whatever the program's is.
      const now = Date.now();
      const schedulers = await this.#queue.getJobSchedulers();
      const isKept = this.#tasks().every((task) => {
        const next = schedulers.find((scheduler) => scheduler.key === task)?.next;
        return next !== undefined && next <= now + longestWait(task) + watchInterval && next > now - overdue;
      });
      if (isKept || this.#stopping.signal.aborted) return;
      await this.#register();
      await this.#planAtStart();
      log.warn('the queue had lost its schedules: they are registered again');
    } catch (error) {
      log.debug({ error: innermost(error) }, 'the schedules could not be looked at');
    }
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    // On a queue that is closed, a registration under way would never end, nor give its connection back.
    await Promise.all([this.#worker?.close(), this.#watching]);
    await this.#queue.close();
  }

  #tasks(): PlanTask[] {
    const { settings } = this.#options;
    return [
      ...settings.granularities,
      'heal',
      'quality',
      'recheck',
      'tokens',
      ...(settings.tags.length > 0 ? (['tags'] as const) : []),
    ];
  }

  async #planAtStart(): Promise<void> {
    const { database, clock, settings } = this.#options;
    const isListOld = await isTokenListOld(database, clock.now());
    const due = this.#tasks().filter(
      (task) => !['heal', 'quality', 'recheck'].includes(task) && (task !== 'tokens' || isListOld),
    );
    // The token list first: it decides what the other tasks plan for.
    due.sort((a, b) => Number(b === 'tokens') - Number(a === 'tokens'));
    for (const task of due) {
      await this.#queue.add(task, { task, lookback: true } satisfies PlanJob, { jobId: `start-${task}` });
    }
    this.#options.log.info(
      { granularities: settings.granularities, queue: this.#options.backend.kind },
      'scheduling',
    );
  }

  async #run(data: unknown): Promise<void> {
    const { log } = this.#options;
    const { task, lookback, older } = planJobSchema.parse(data);
    try {
      if (older && isGranularity(task)) await this.#planOlder(task);
      else await this.#perform(task, lookback);
    } catch (error) {
      if (this.#stopping.signal.aborted) return;
      // A failed plan leaves nothing behind; the next one starts from the same ledger.
      log.error({ task, error: innermost(error) }, 'planning failed');
      throw error;
    }
  }

  async #perform(task: PlanTask, lookback: boolean): Promise<void> {
    const { planner, ingestor, database, clock, log, settings } = this.#options;
    if (task === 'tokens') return refreshTokenList(ingestor, log, this.#stopping.signal);
    if (task === 'tags') {
      const { added } = await planner.planTags();
      if (added > 0) log.info({ requests: added }, 'planned tags');
      return;
    }
    if (task === 'quality') {
      const signal = AbortSignal.any([this.#stopping.signal, AbortSignal.timeout(longestLook)]);
      const added = await runQualityChecks(database, clock.now(), signal);
      if (added > 0) log.info({ notes: added }, 'some values are hard to believe: see quality_notes');
      return;
    }
    if (task === 'recheck') {
      for (const granularity of settings.granularities) {
        const { added } = await planner.planRecheck(granularity);
        if (added > 0) log.info({ granularity, requests: added }, 'asking again for windows that were empty');
      }
      return;
    }
    const planned = isGranularity(task) ? [task] : settings.granularities;
    for (const granularity of planned) {
      const { added, hasMore } = await planner.planNewest(granularity, lookback && isGranularity(task));
      if (added > 0) log.info({ granularity, requests: added }, 'planned the newest windows');
      if (hasMore) await this.#queueOlder(granularity, 0);
    }
    if (task === 'heal' && settings.tags.length > 0) await planner.planTags();
  }

  async #planOlder(granularity: Granularity): Promise<void> {
    const { planner, log, settings } = this.#options;
    const { added, hasMore } = await planner.planOlder(granularity);
    if (added > 0) log.info({ granularity, requests: added }, 'planned older windows');
    // Comes back when about half of what is queued has been fetched.
    const delay = Math.min(30_000, Math.max(1000, (100 / settings.requestsPerSecond) * 1000));
    if (hasMore) await this.#queueOlder(granularity, delay);
  }

  /** A plan of its own: the newest windows of other granularities do not wait for it. */
  async #queueOlder(granularity: Granularity, delay: number): Promise<void> {
    const name = `more-${granularity}`;
    const waiting = await this.#queue.getJobs(['delayed', 'waiting', 'prioritized']);
    if (waiting.some((job) => job?.name === name)) return;
    const job = { task: granularity, older: true } satisfies PlanJob;
    await this.#queue.add(name, job, { delay, priority: planPriority(granularity, true) });
  }
}
