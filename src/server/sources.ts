import type { Clock } from '../clock.ts';
import type { JobQueue } from '../queue/backend.ts';
import type { Stall } from '../queue/watchdog.ts';
import type { StatementObserver } from '../store/connection/connection.ts';
import type { Database } from '../store/connection/database.ts';
import { readDesiredScope, type StatedScope } from '../store/ledger/desired-scope.ts';
import { readCurrentStatus, type Status } from '../store/reports/status.ts';
import { type SchemaState, schemaState } from '../store/setup/migrate.ts';

/** Jobs by queue and state. */
export type QueueCounts = Readonly<Record<string, Readonly<Record<string, number>>>>;

/** Where the server gets its facts from; functions, so that it needs neither a database nor a queue to be tried. */
export interface Sources {
  readonly status: () => Promise<Status>;
  readonly queueCounts: () => Promise<QueueCounts>;
  /** Rejects where the database does not answer. */
  readonly schema: () => Promise<SchemaState>;
  /** What keeps the queue from working; `undefined` where nothing does. */
  readonly queueProblem: () => string | undefined;
  /** Work of this process that waits while nothing of it ends. */
  readonly stalls: () => readonly Stall[];
  /** Has every statement of this process told to an observer from now on. */
  readonly observeStatements: (observer: StatementObserver) => void;
}

/** The sources of a running pipeline. The queues stay the caller's to close. */
export function openSources(
  database: Database,
  queues: Readonly<Record<string, Pick<JobQueue, 'getJobCounts'>>>,
  stated: StatedScope,
  clock: Clock,
  watched: Pick<Sources, 'queueProblem' | 'stalls'>,
): Sources {
  return {
    status: async () => readCurrentStatus(database, await readDesiredScope(database, stated), clock.now()),
    ...watched,
    schema: () => schemaState(database),
    observeStatements: (observer) => database.observe(observer),
    queueCounts: async () => {
      const counts = Object.entries(queues).map(
        async ([name, queue]) => [name, await queue.getJobCounts()] as const,
      );
      return Object.fromEntries(await Promise.all(counts));
    },
  };
}
