import { sql } from 'drizzle-orm';
import type { Clock } from '../clock.ts';
import type { JobQueue } from '../queue/backend.ts';
import type { StatementObserver } from '../store/connection/connection.ts';
import type { Database } from '../store/connection/database.ts';
import { readDesiredScope, type StatedScope } from '../store/ledger/desired-scope.ts';
import { readCurrentStatus, type Status } from '../store/reports/status.ts';

/** Jobs by queue and state. */
export type QueueCounts = Readonly<Record<string, Readonly<Record<string, number>>>>;

/** Where the server gets its facts from; functions, so that it needs neither a database nor a queue to be tried. */
export interface Sources {
  /** Rejects where the database does not answer. */
  readonly ping: () => Promise<void>;
  readonly status: () => Promise<Status>;
  readonly queueCounts: () => Promise<QueueCounts>;
  /** Has every statement of this process told to an observer from now on. */
  readonly observeStatements: (observer: StatementObserver) => void;
}

/** The sources of a running pipeline. The queues stay the caller's to close. */
export function openSources(
  database: Database,
  queues: Readonly<Record<string, Pick<JobQueue, 'getJobCounts'>>>,
  stated: StatedScope,
  clock: Clock,
): Sources {
  return {
    ping: async () => {
      await database.query('ping', sql`select 1`);
    },
    status: async () => readCurrentStatus(database, await readDesiredScope(database, stated), clock.now()),
    observeStatements: (observer) => database.observe(observer),
    queueCounts: async () => {
      const counts = Object.entries(queues).map(
        async ([name, queue]) => [name, await queue.getJobCounts()] as const,
      );
      return Object.fromEntries(await Promise.all(counts));
    },
  };
}
