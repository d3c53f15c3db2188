import type { Stall } from '../queue/watchdog.ts';
import type { Status } from '../store/reports/status.ts';
import type { SchemaState } from '../store/setup/migrate.ts';

/** Whether the pipeline can do its work, and what keeps it from it. */

export const readinessChecks = ['database', 'migrations', 'queue', 'access', 'progress'] as const;

export interface Unreadiness {
  readonly check: (typeof readinessChecks)[number];
  readonly reason: string;
}

/** What is known at the moment; `undefined` where there was no answer. */
export interface ReadinessFacts {
  readonly schema: SchemaState | undefined;
  readonly status: Status | undefined;
  /** What keeps the queue from working, and how many requests wait in it. */
  readonly queueProblem: string | undefined;
  readonly waiting: number | undefined;
  readonly stalls: readonly Stall[];
  /** How long this process has run, in milliseconds. */
  readonly uptime: number;
}

/** The API may ask for ten minutes of silence; milliseconds. */
const longestSilence = 1_200_000;

/** After so long a pipeline that works has stored something, in milliseconds. */
const firstValueWithin = 900_000;

/** @param now milliseconds since the epoch */
export function judgeReadiness(facts: ReadinessFacts, now: number): Unreadiness[] {
  if (facts.schema === undefined) return [{ check: 'database', reason: 'the database does not answer' }];
  if (facts.schema !== 'current') {
    const remedy = facts.schema === 'ahead' ? 'update the program' : 'run `migrate`';
    return [{ check: 'migrations', reason: `the schema is not this program's: ${remedy}` }];
  }
  return [...judgeQueue(facts), ...judgeAccess(facts), ...judgeProgress(facts, now)];
}

function judgeQueue({ queueProblem, waiting }: ReadinessFacts): Unreadiness[] {
  if (queueProblem !== undefined) return [{ check: 'queue', reason: 'the queue takes no writes' }];
  return waiting === undefined ? [{ check: 'queue', reason: 'the queue does not answer' }] : [];
}

function judgeAccess({ status }: ReadinessFacts): Unreadiness[] {
  return status?.accessRefused === undefined
    ? []
    : [{ check: 'access', reason: 'the API refuses access: `status` and `doctor` say why' }];
}

function judgeProgress({ status, stalls, waiting, uptime }: ReadinessFacts, now: number): Unreadiness[] {
  const stalled = stalls.map(({ name, seconds }) => `${name} has made no progress for ${seconds} s`);
  const silence = status?.lastCall === undefined ? undefined : now - status.lastCall.at;
  const isRefused = status?.accessRefused !== undefined;
  if (!isRefused && silence !== undefined && silence > longestSilence && (waiting ?? 0) > 0) {
    stalled.push(`requests wait, and the API was last called ${Math.round(silence / 60_000)} min ago`);
  }
  const due = status?.granularities.filter(({ newestDue }) => newestDue !== undefined) ?? [];
  const isEmpty = due.length > 0 && due.every(({ newestStored }) => newestStored === undefined);
  if (isEmpty && uptime > firstValueWithin) stalled.push('no value has ever been stored');
  return stalled.map((reason) => ({ check: 'progress', reason }));
}
