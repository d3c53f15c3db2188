import { setTimeout as sleep } from 'node:timers/promises';
import { sql } from 'drizzle-orm';
import type { Logger } from 'pino';
import { formatBeijingDate } from '../beijing.ts';
import type { Clock } from '../clock.ts';
import { innermost, UserError } from '../errors.ts';
import type { Database } from '../store/connection/database.ts';
import { type DesiredScope, readDesiredScope, storeDesiredScope } from '../store/ledger/desired-scope.ts';
import { tryToNote } from '../store/ledger/events.ts';

/**
 * One database has one pipeline. Any number of schedulers may run on it, as long as all of them want the same: with
 * different settings they would take away each other's schedules, and a job would be planned with the settings of
 * whichever process takes it. So every scheduler holds a shared lock while it runs; one that finds others running, and
 * wants something else than they do, is refused.
 */

const lock = "hashtextextended('cryptoracle pipeline', 0)";

export interface PipelineClaimOptions {
  readonly database: Database;
  readonly desired: DesiredScope;
  readonly clock: Clock;
  readonly log: Logger;
  /** Told where the claim was lost with a connection, and another pipeline came first. */
  readonly onLost: (error: UserError) => void;
}

/** Pauses before a lost claim is made again. */
const retryPause = 1000;

export class PipelineClaim {
  readonly #options: PipelineClaimOptions;
  readonly #stopping = new AbortController();
  #holding: Promise<void> | undefined;

  constructor(options: PipelineClaimOptions) {
    this.#options = options;
  }

  /** Writes down what is wanted, and holds the claim until {@link release}. @throws UserError where others want something else */
  async take(): Promise<void> {
    await this.#claim();
  }

  async release(): Promise<void> {
    this.#stopping.abort();
    await this.#holding;
  }

  async #claim(): Promise<void> {
    const { database, desired } = this.#options;
    await database.exclusively('claim pipeline', async () => {
      if (await this.#isHeldByOthers()) await this.#requireSame();
      else if (await storeDesiredScope(database, desired)) await this.#noteChange();
      await new Promise<void>((taken, failed) => {
        this.#holding = this.#hold(taken).catch(failed);
      });
    });
  }

  async #noteChange(): Promise<void> {
    const { database, desired, log, clock } = this.#options;
    const { tokens, metrics, granularities, historyStart } = desired;
    const named = tokens === 'all' ? 'all tokens' : `${tokens.length} tokens`;
    await tryToNote(database, log, {
      ...{ kind: 'settings changed', at: clock.now() },
      message: `wanted now: ${named}, ${metrics.length} metrics, ${granularities.join(', ')}, from ${formatBeijingDate(historyStart)} on (Beijing)`,
    });
  }

  /** Keeps a connection with the lock; settles when the claim is released. */
  async #hold(taken: () => void): Promise<void> {
    const { database } = this.#options;
    const { signal } = this.#stopping;
    let isTaken = false;
    try {
      await database.connect(async (connection) => {
        await connection.query('hold pipeline', `select pg_advisory_lock_shared(${lock})`);
        isTaken = true;
        taken();
        // A connection that broke is found out by using it.
        while (!signal.aborted) {
          await sleep(15_000, undefined, { signal, ref: false }).catch(() => {});
          await connection.query('keep pipeline', 'select 1');
        }
        await connection.query('release pipeline', `select pg_advisory_unlock_shared(${lock})`);
      });
    } catch (error) {
      if (!isTaken) throw error;
      if (!signal.aborted) void this.#reclaim();
    }
  }

  async #reclaim(): Promise<void> {
    const { log, onLost } = this.#options;
    while (!this.#stopping.signal.aborted) {
      await sleep(retryPause, undefined, { signal: this.#stopping.signal, ref: false }).catch(() => {});
      try {
        return await this.#claim();
      } catch (error) {
        if (error instanceof UserError) return onLost(error);
        log.debug({ error: innermost(error) }, 'the claim on the pipeline could not be made again yet');
      }
    }
  }

  async #isHeldByOthers(): Promise<boolean> {
    const [row] = await this.#options.database.query<{ held: boolean }>(
      'pipelines that run',
      sql`
        select exists (
          select from pg_locks
          where locktype = 'advisory' and granted and mode = 'ShareLock' and objsubid = 1
            and database = (select oid from pg_database where datname = current_database())
            and (classid::bigint << 32) | objid::bigint = ${sql.raw(lock)}
        ) as held`,
    );
    return row?.held ?? false;
  }

  /** @throws UserError naming the settings in which this pipeline differs from the one that runs */
  async #requireSame(): Promise<void> {
    const { database, desired } = this.#options;
    const running = await readDesiredScope(database, { ...desired, given: new Set() });
    const sorted = (list: readonly string[] | 'all') => (list === 'all' ? list : [...list].sort().join());
    const differing = [
      ...(sorted(running.granularities) === sorted(desired.granularities) ? [] : ['GRANULARITIES']),
      ...(sorted(running.tokens) === sorted(desired.tokens) ? [] : ['TOKENS']),
      ...(sorted(running.metrics) === sorted(desired.metrics) ? [] : ['METRICS']),
      ...(running.historyStart === desired.historyStart ? [] : ['HISTORY_START']),
      ...(running.settleDelay === desired.settleDelay ? [] : ['SETTLE_DELAY']),
      ...desired.granularities
        .filter((granularity) => running.keep?.[granularity] !== desired.keep?.[granularity])
        .map((granularity) => `KEEP_${granularity.toUpperCase()}`),
    ];
    if (differing.length === 0) return;
    throw new UserError(
      `${differing.join(', ')}: another pipeline runs on this database with other settings. One database has one ` +
        'pipeline: stop the other first, give both the same settings, or use another database',
    );
  }
}
