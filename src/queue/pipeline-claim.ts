import { setTimeout as sleep } from 'node:timers/promises';
import { sql } from 'drizzle-orm';
import type { Logger } from 'pino';
import { formatBeijingDate } from '../beijing.ts';
import type { Clock } from '../clock.ts';
import { innermost, UserError } from '../errors.ts';
import type { Connection } from '../store/connection/connection.ts';
import type { Database } from '../store/connection/database.ts';
import { type DesiredScope, readDesiredScope, storeDesiredScope } from '../store/ledger/desired-scope.ts';
import { tryToNote } from '../store/ledger/events.ts';
import type { Milliseconds } from '../time.ts';

/**
 * One database has one pipeline. Any number of schedulers may run on it, as long as all of them want the same: with
 * different settings they would take away each other's schedules, and a job would be planned with the settings of
 * whichever process takes it. So every scheduler holds a shared lock for each of its settings while it runs; one that finds
 * others running, and wants something else than they do, is refused. The locks themselves say what is wanted: the table
 * `wanted` may be emptied meanwhile.
 */

/** What decides what is wanted, by the setting's name, as a text that is the same wherever the choice is. */
function choicesOf(desired: DesiredScope): ReadonlyMap<string, string> {
  const sorted = (list: readonly string[] | 'all') => (list === 'all' ? list : [...list].sort().join());
  return new Map([
    ['GRANULARITIES', sorted(desired.granularities)],
    ['TOKENS', sorted(desired.tokens)],
    ['METRICS', sorted(desired.metrics)],
    ['HISTORY_START', String(desired.historyStart)],
    ['SETTLE_DELAY', String(desired.settleDelay)],
    ...desired.granularities.map(
      (granularity) => [`KEEP_${granularity.toUpperCase()}`, String(desired.keep?.[granularity])] as const,
    ),
  ]);
}

export interface PipelineClaimOptions {
  readonly database: Database;
  readonly desired: DesiredScope;
  readonly clock: Clock;
  readonly log: Logger;
  /** Told where the claim was lost with a connection, and another pipeline came first. */
  readonly onLost: (error: UserError) => void;
  /** How often the claim is looked after. */
  readonly interval?: Milliseconds;
  /** After how long without a sign of life the server frees the claim; more than the interval. */
  readonly freedAfter?: Milliseconds;
}

/** Pauses before a lost claim is made again. */
const retryPause: Milliseconds = 1000;

/** How often a claim is looked after. */
const defaultInterval: Milliseconds = 15_000;

/** The server frees a claim that it has not heard from for so long: its host may be lost. */
const defaultFreedAfter: Milliseconds = 60_000;

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
      const differing = await this.#settingsHeldOtherwise();
      if (differing === undefined) {
        if (await storeDesiredScope(database, desired)) await this.#noteChange();
      } else if (differing.length > 0) throw refusal(differing);
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

  /** Keeps a connection with the locks; settles when the claim is released. */
  async #hold(taken: () => void): Promise<void> {
    const { database, interval = defaultInterval, freedAfter = defaultFreedAfter } = this.#options;
    const { signal } = this.#stopping;
    let isTaken = false;
    try {
      await database.connect(async (connection) => {
        await connection.query('prepare pipeline', `set idle_session_timeout = ${freedAfter}`);
        await this.#lock(connection, 'hold pipeline', 'pg_advisory_lock_shared');
        isTaken = true;
        taken();
        while (!signal.aborted) {
          await sleep(interval, undefined, { signal, ref: false }).catch(() => {});
          // A connection that broke is found out by using it.
          await connection.query('keep pipeline', 'select 1');
          if (!signal.aborted) await this.#keepWanted();
        }
        await this.#lock(connection, 'release pipeline', 'pg_advisory_unlock_shared');
        await connection.query('leave pipeline', 'reset idle_session_timeout');
      });
    } catch (error) {
      if (!isTaken) throw error;
      if (!signal.aborted) void this.#reclaim();
    }
  }

  async #lock(
    connection: Connection,
    name: string,
    lock: 'pg_advisory_lock_shared' | 'pg_advisory_unlock_shared',
  ): Promise<void> {
    const choices = choicesOf(this.#options.desired);
    await connection.query(
      name,
      `select ${lock}(hashtext('cryptoracle pipeline ' || name), hashtext(choice))
       from unnest($1::text[], $2::text[]) as s (name, choice)`,
      [[...choices.keys()], [...choices.values()]],
    );
  }

  async #keepWanted(): Promise<void> {
    try {
      await this.#restoreWanted();
    } catch (error) {
      this.#options.log.debug({ error: innermost(error) }, 'the table wanted could not be looked at');
    }
  }

  /** Writes down again what is wanted where somebody emptied or changed that: everybody else measures against it. */
  async #restoreWanted(): Promise<void> {
    const { database, desired, log } = this.#options;
    const stored = choicesOf(
      await readDesiredScope(database, { ...desired, granularities: [], given: new Set() }),
    );
    const isKept = [...choicesOf(desired)].every(([name, text]) => stored.get(name) === text);
    if (isKept) return;
    await storeDesiredScope(database, desired);
    log.warn('the table wanted did not say what this pipeline wants: it is written again');
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

  /** Names of the settings in which the pipelines that run differ from this one; `undefined` where none runs. */
  async #settingsHeldOtherwise(): Promise<string[] | undefined> {
    const choices = choicesOf(this.#options.desired);
    const rows = await this.#options.database.query<{ name: string; differs: boolean }>(
      'pipelines that run',
      sql`
        select s.name, bool_or(l.objid::bigint <> (hashtext(s.choice)::bigint & x'ffffffff'::bigint)) as differs
        from unnest(${sql.param([...choices.keys()])}::text[], ${sql.param([...choices.values()])}::text[])
          with ordinality as s (name, choice, place)
        join pg_locks as l on l.locktype = 'advisory' and l.granted and l.mode = 'ShareLock' and l.objsubid = 2
          and l.database = (select oid from pg_database where datname = current_database())
          and l.classid::bigint = hashtext('cryptoracle pipeline ' || s.name)::bigint & x'ffffffff'::bigint
        group by s.name, s.place order by s.place`,
    );
    if (rows.length === 0) return undefined;
    return rows.filter(({ differs }) => differs).map(({ name }) => name);
  }
}

/** The refusal of a pipeline that differs in these settings from the one that runs. */
function refusal(differing: readonly string[]): UserError {
  return new UserError(
    `${differing.join(', ')}: another pipeline runs on this database with other settings. One database has one ` +
      'pipeline: stop the other first, give both the same settings, or use another database',
  );
}
