import { setTimeout as sleep } from 'node:timers/promises';
import { type Granularity, isGranularity } from '../catalog/index.ts';
import { innermost } from '../errors.ts';
import { tryToNote } from '../store/ledger/events.ts';
import type { Milliseconds } from '../time.ts';
import type { JobQueue, JobWorker, QueueBackend } from './backend.ts';
import type { DatabaseWatch } from './database-watch.ts';
import { type PlanJob, planJobSchema, planQueue } from './jobs.ts';
import { timeZone } from './schedules.ts';
import {
  findTask,
  firstAtStart,
  longestOlderDelay,
  olderDelay,
  olderPriority,
  type Task,
  type TaskContext,
  tasks,
} from './tasks.ts';

export interface SchedulerOptions extends Omit<TaskContext, 'signal' | 'queueOlder'> {
  readonly backend: QueueBackend;
  /** Told of errors of the database. */
  readonly databaseWatch: Pick<DatabaseWatch, 'note'>;
  /** How often the schedules are checked. */
  readonly watchInterval?: Milliseconds;
}

/** How often the schedules are checked. */
const defaultWatchInterval = 15_000;

/** Schedules that are lost several times within it are one event: several processes notice. */
const sameLoss = 60_000;

/** A task that has not run so long after its time is not going to. */
const overdue = 600_000;

/** Keeps the clock: registers what is due when, and plans when it is. Any number of them may run. */
export class Scheduler {
  readonly #options: SchedulerOptions;
  readonly #queue: JobQueue;
  readonly #stopping = new AbortController();
  #worker: JobWorker | undefined;
  #watching: Promise<void> | undefined;
  #lastEndedAt = performance.now();
  readonly #upkeep = new Map<string, Promise<void>>();

  constructor(options: SchedulerOptions) {
    this.#options = options;
    this.#queue = options.backend.queue(planQueue);
  }

  /** When a task last ended, well or not; milliseconds of `performance.now()`. */
  get lastEndedAt(): number {
    return this.#lastEndedAt;
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

  async stop(): Promise<void> {
    this.#stopping.abort();
    // On a queue that is closed, a registration under way would never end, nor give its connection back.
    await Promise.all([this.#worker?.close(), this.#watching]);
    await Promise.all(this.#upkeep.values());
    await this.#queue.close();
  }

  get #tasks(): Task[] {
    return tasks.filter((task) => task.isWanted(this.#options.settings));
  }

  async #register(): Promise<void> {
    // BullMQ's registration is not safe against another scheduler that registers at the same moment.
    await this.#options.database.exclusively('register schedules', () => this.#upsertSchedules());
  }

  async #upsertSchedules(): Promise<void> {
    const { settings } = this.#options;
    // Two plans at once would queue the same gaps, packed differently.
    await this.#queue.setGlobalConcurrency(1);
    for (const { name, cron, priority } of this.#tasks) {
      const data: PlanJob = { task: name };
      const schedule = { pattern: cron(settings), tz: timeZone };
      await this.#queue.upsertJobScheduler(name, schedule, { name, data, opts: { priority } });
    }
    const wanted = new Set(this.#tasks.map(({ name }) => name));
    for (const { key } of await this.#queue.getJobSchedulers()) {
      if (!wanted.has(key)) await this.#queue.removeJobScheduler(key);
    }
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
  async #keepSchedules(watchInterval: Milliseconds): Promise<void> {
    const { log, database, clock } = this.#options;
    try {
      // BullMQ's own clock counts here, whatever the program's is.
      const now = Date.now();
      const schedulers = await this.#queue.getJobSchedulers();
      const isKept = this.#tasks.every(({ name, longestWait }) => {
        const next = schedulers.find(({ key }) => key === name)?.next;
        return next !== undefined && next <= now + longestWait + watchInterval && next > now - overdue;
      });
      if (isKept || this.#stopping.signal.aborted) return;
      await this.#register();
      await this.#planAtStart();
      const message = 'the queue had lost its schedules: they are registered again';
      log.warn(message);
      await tryToNote(database, log, {
        kind: 'schedules lost',
        at: clock.now(),
        message,
        joinsWithin: sameLoss,
      });
    } catch (error) {
      log.debug({ error: innermost(error) }, 'the schedules could not be checked');
    }
  }

  async #planAtStart(): Promise<void> {
    const { settings, backend, log } = this.#options;
    const first = ({ name }: Task) => Number(name === firstAtStart);
    for (const { name, runsAtStart } of this.#tasks.sort((a, b) => first(b) - first(a))) {
      if (!(await runsAtStart(this.#options))) continue;
      await this.#queue.add(name, { task: name } satisfies PlanJob, { jobId: `start-${name}` });
    }
    log.info({ granularities: settings.granularities, queue: backend.kind }, 'scheduling');
  }

  async #run(data: unknown): Promise<void> {
    const { log, databaseWatch } = this.#options;
    const { signal } = this.#stopping;
    const { task, older } = planJobSchema.parse(data);
    try {
      if (older && isGranularity(task)) return await this.#planOlder(task);
      // A job of another version of the program may name a task that this one does not have.
      const found = findTask(task);
      if (found?.isUpkeep === true) this.#keepUp(found);
      else await found?.run(this.#context);
    } catch (error) {
      if (signal.aborted) return;
      // A failed plan leaves nothing behind; the next one starts from the same ledger.
      const level = databaseWatch.note(error) ? 'debug' : 'error';
      log[level]({ task, error: innermost(error) }, 'planning failed');
      throw error;
    } finally {
      this.#lastEndedAt = performance.now();
    }
  }

  get #context(): TaskContext {
    const queueOlder = (granularity: Granularity) => this.#queueOlder(granularity, 0);
    return { ...this.#options, signal: this.#stopping.signal, queueOlder };
  }

  /** Runs a task beside the others, for however long it takes; once at a time. */
  #keepUp(task: Task): void {
    const { name } = task;
    if (this.#upkeep.has(name)) return;
    const running = task
      .run(this.#context)
      .catch((error: unknown) => {
        if (this.#stopping.signal.aborted) return;
        const level = this.#options.databaseWatch.note(error) ? 'debug' : 'error';
        this.#options.log[level]({ task: name, error: innermost(error) }, 'upkeep failed');
      })
      .finally(() => this.#upkeep.delete(name));
    this.#upkeep.set(name, running);
  }

  async #planOlder(granularity: Granularity): Promise<void> {
    const { planner, log, settings } = this.#options;
    const { added, hasMore } = await planner.planOlder(granularity);
    if (added > 0) log.info({ granularity, requests: added }, 'planned older windows');
    if (hasMore) await this.#queueOlder(granularity, olderDelay(settings.requestsPerSecond));
  }

  async #queueOlder(granularity: Granularity, delay: Milliseconds): Promise<void> {
    const name = `more-${granularity}`;
    const jobs = await this.#queue.getJobs(['delayed', 'waiting', 'prioritized']);
    const waiting = jobs.filter((job) => job?.name === name);
    // A job that is due later than any can be is from a clock that ran ahead.
    const latest = Date.now() + 2 * longestOlderDelay;
    const isLost = ({ timestamp, delay: wait }: { timestamp: number; delay: number }) =>
      timestamp + wait > latest;
    for (const job of waiting.filter(isLost)) if (job.id !== undefined) await this.#queue.remove(job.id);
    if (!waiting.every(isLost)) return;
    const job = { task: granularity, older: true } satisfies PlanJob;
    await this.#queue.add(name, job, { delay, priority: olderPriority });
  }
}
