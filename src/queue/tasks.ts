import type { Logger } from 'pino';
import { type Granularity, granularities, isGranularity, windowLength } from '../catalog/index.ts';
import type { Clock } from '../clock.ts';
import type { Settings } from '../config.ts';
import type { Ingestor } from '../ingest/ingestor.ts';
import { refreshTokenList } from '../ingest/token-list.ts';
import { healAt, recheckAt } from '../planning/rhythm.ts';
import { runQualityChecksIfFree, tellChecks } from '../store/answers/quality/index.ts';
import { countLately } from '../store/answers/requests.ts';
import type { Database } from '../store/connection/database.ts';
import { isOpinionDue } from '../store/ledger/doubted-lists.ts';
import { noticeDropped } from '../store/ledger/dropped.ts';
import { tryToNote } from '../store/ledger/events.ts';
import { removeOld } from '../store/ledger/retention.ts';
import { isTokenListOld } from '../store/ledger/tokens.ts';
import type { Milliseconds } from '../time.ts';
import type { Planner } from './planner.ts';
import { settlePattern } from './schedules.ts';

/** The tasks of the scheduler: one row each. A new task is a row here. */

const minute = 60_000;
const hour = 60 * minute;
const day = 86_400_000;

/** The settings that tasks depend on. */
export type TaskSettings = Pick<
  Settings,
  | 'granularities'
  | 'tags'
  | 'settleDelay'
  | 'dayStart'
  | 'requestsPerSecond'
  | 'keep'
  | 'keepNotes'
  | 'refetchDropped'
  | 'auditRequestsPerDay'
>;

/** The means that tasks work with. */
export interface TaskContext {
  readonly database: Database;
  readonly planner: Planner;
  readonly ingestor: Ingestor;
  readonly clock: Clock;
  readonly log: Logger;
  readonly settings: TaskSettings;
  /** Aborted when the scheduler stops. */
  readonly signal: AbortSignal;
  /**
   * Has the older windows of a granularity planned by a job of its own, so that the newest ones of others do not wait.
   */
  readonly queueOlder: (granularity: Granularity) => Promise<void>;
}

export interface Task {
  readonly name: string;
  /** When it is due: a cron pattern with seconds, in Beijing time. */
  readonly cron: (settings: TaskSettings) => string;
  /** Among tasks that are due at the same moment, smaller numbers come first. */
  readonly priority: number;
  /** How long it takes at most from one run to the next. */
  readonly longestWait: Milliseconds;
  /** Whether these settings want it at all. */
  readonly isWanted: (settings: TaskSettings) => boolean;
  /** Whether it also runs once when a scheduler starts, so that a pause heals at once. */
  readonly runsAtStart: (context: Pick<TaskContext, 'database' | 'clock'>) => Promise<boolean>;
  readonly run: (context: TaskContext) => Promise<void>;
  /** Whether it plans nothing but keeps the database in order: then it runs beside the others, and none waits for it. */
  readonly isUpkeep?: true;
}

const always = () => true;
const onSchedule = async () => false;
const atStart = async () => true;

/** How long values are checked at a time: less than a tenth of the time from one run to the next. */
const longestCheck = 20_000;

/** Plans the newest windows of a granularity, and has the older ones planned where there are any. */
async function planWindows(
  granularity: Granularity,
  lookback: boolean,
  { planner, log, queueOlder }: TaskContext,
): Promise<void> {
  const { added, hasMore } = await planner.planNewest(granularity, lookback);
  if (added > 0) log.info({ granularity, requests: added }, 'planned the newest windows');
  if (hasMore) await queueOlder(granularity);
}

async function planTags({ planner, log }: TaskContext): Promise<void> {
  const { added } = await planner.planTags();
  if (added > 0) log.info({ requests: added }, 'planned tags');
}

export const tasks: readonly Task[] = [
  ...granularities.map(
    (granularity, index): Task => ({
      name: granularity,
      cron: ({ settleDelay, dayStart }) => settlePattern(granularity, settleDelay, dayStart),
      // The finest windows first.
      priority: index,
      longestWait: windowLength[granularity],
      isWanted: (settings) => settings.granularities.includes(granularity),
      runsAtStart: atStart,
      run: (context) => planWindows(granularity, true, context),
    }),
  ),
  {
    // A request that failed is repeated soon, not only when the next window of its granularity settles.
    name: 'heal',
    cron: () => `${healAt.second} ${healAt.minute}-59/${healAt.every} * * * *`,
    priority: 4,
    longestWait: healAt.every * minute,
    isWanted: always,
    runsAtStart: onSchedule,
    run: async (context) => {
      const { settings, planner } = context;
      for (const granularity of settings.granularities) await planWindows(granularity, false, context);
      if (settings.tags.length > 0) await planner.planTags();
    },
  },
  {
    name: 'quality',
    cron: () => '15 1-59/5 * * * *',
    priority: 5,
    longestWait: 5 * minute,
    isWanted: always,
    runsAtStart: onSchedule,
    run: async ({ database, clock, log, signal }) => {
      const limited = AbortSignal.any([signal, AbortSignal.timeout(longestCheck)]);
      const result = await runQualityChecksIfFree(database, clock.now(), limited);
      if (result !== undefined) tellChecks(log, result);
    },
    isUpkeep: true,
  },
  {
    name: 'retention',
    cron: () => '30 25 3 * * *',
    priority: 6,
    longestWait: day,
    isWanted: always,
    runsAtStart: atStart,
    run: async ({ database, clock, log, settings, signal }) => {
      for (const { what, removed } of await removeOld(database, settings, clock.now(), signal)) {
        log.info({ what, removed }, 'removed what is older than it is to be kept');
        if (!isGranularity(what)) continue;
        const message = `values of ${what} that are older than they are kept were removed: ${removed} rows or chunks`;
        await tryToNote(database, log, {
          kind: 'removed by age',
          at: clock.now(),
          granularity: what,
          message,
        });
      }
    },
    isUpkeep: true,
  },
  {
    name: 'dropped',
    cron: () => '30 8 * * * *',
    priority: 7,
    longestWait: hour,
    isWanted: always,
    runsAtStart: atStart,
    run: async ({ database, clock, log, settings }) => {
      const refetch = settings.refetchDropped;
      for (const drop of await noticeDropped(database, clock.now(), { refetch })) {
        log.warn(
          drop,
          refetch
            ? 'somebody has removed values here: they are fetched again'
            : 'somebody has removed values here: `backfill --refresh` fetches them again, or REFETCH_DROPPED=on',
        );
      }
    },
    isUpkeep: true,
  },
  {
    name: 'recheck',
    cron: () => `${recheckAt.second} ${recheckAt.minute} ${recheckAt.hour} * * *`,
    priority: 8,
    longestWait: day,
    isWanted: always,
    runsAtStart: onSchedule,
    run: async ({ planner, log, settings }) => {
      for (const granularity of settings.granularities) {
        const { added } = await planner.planRecheck(granularity);
        if (added > 0) log.info({ granularity, requests: added }, 'asking again for windows that were empty');
      }
    },
  },
  {
    name: 'tokens',
    cron: () => '20 10 3 * * *',
    priority: 9,
    longestWait: day,
    isWanted: always,
    runsAtStart: ({ database, clock }) => isTokenListOld(database, clock.now()),
    run: ({ ingestor, log, signal }) => refreshTokenList(ingestor, log, signal),
  },
  {
    // A list that would take much away waits for further opinions.
    name: 'tokens-again',
    cron: () => '35 3-59/5 * * * *',
    priority: 10,
    longestWait: 5 * minute,
    isWanted: always,
    runsAtStart: onSchedule,
    run: async ({ database, ingestor, clock, log, signal }) => {
      if (await isOpinionDue(database, clock.now())) await refreshTokenList(ingestor, log, signal);
    },
  },
  {
    // One line an hour, so that a log that says nothing else still says that all goes on.
    name: 'sign-of-life',
    cron: () => '0 58 * * * *',
    priority: 13,
    longestWait: hour,
    isWanted: always,
    runsAtStart: onSchedule,
    run: async ({ database, clock, log }) => {
      log.info(await countLately(database, clock.now() - hour), 'the last hour');
    },
    isUpkeep: true,
  },
  {
    // Some settled windows of random age once more, after everything else.
    name: 'audit',
    cron: () => '35 17 * * * *',
    priority: 12,
    longestWait: hour,
    isWanted: ({ auditRequestsPerDay }) => auditRequestsPerDay > 0,
    runsAtStart: onSchedule,
    run: async ({ planner, log, settings }) => {
      const { added } = await planner.planAudit(settings.granularities, settings.auditRequestsPerDay);
      if (added > 0) log.debug({ requests: added }, 'planned an audit');
    },
  },
  {
    name: 'tags',
    cron: ({ settleDelay, dayStart }) => settlePattern('1d', settleDelay + 2 * minute, dayStart),
    priority: 11,
    longestWait: day,
    isWanted: ({ tags }) => tags.length > 0,
    runsAtStart: atStart,
    run: planTags,
  },
];

/** Older windows come after everything that the clock asks for. */
export const olderPriority = Math.max(...tasks.map(({ priority }) => priority)) + 1;

/** At a start the token list comes first: it decides what the other tasks plan for. */
export const firstAtStart = 'tokens';

export function findTask(name: string): Task | undefined {
  return tasks.find((task) => task.name === name);
}

/** No older windows wait longer until they are planned. */
export const longestOlderDelay: Milliseconds = 30_000;

/**
 * How long to wait until the next older windows are planned: until about half of what is queued has been fetched.
 * @returns whole milliseconds, the only ones that the queue in PostgreSQL takes
 */
export function olderDelay(requestsPerSecond: number): Milliseconds {
  const halfFetched = (100 / requestsPerSecond) * 1000;
  return Math.round(Math.min(longestOlderDelay, Math.max(1000, halfFetched)));
}
