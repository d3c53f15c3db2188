import { basename, join } from 'node:path';
import type { Logger } from 'pino';
import { ApiClient } from '../api/client.ts';
import { type Credentials, dialectOf } from '../api/dialects/index.ts';
import type { BackfillContext } from '../backfill/context.ts';
import type { Token } from '../catalog/index.ts';
import { type Clock, systemClock } from '../clock.ts';
import { hasCredentials, requireCredentials, type Settings } from '../config.ts';
import { innermost, UserError } from '../errors.ts';
import { Ingestor } from '../ingest/ingestor.ts';
import { type ReplayTally, replayQuarantine } from '../ingest/replay.ts';
import { ensureKnownTokens, refreshTokenList } from '../ingest/token-list.ts';
import { createLogger } from '../logger.ts';
import { Packer } from '../planning/packing.ts';
import { createFetch, type Fetch } from '../proxy.ts';
import type { SiteOptions } from '../server/site.ts';
import type { QuarantineFilter } from '../store/answers/quarantine.ts';
import { type Database, openDatabase } from '../store/connection/database.ts';
import { hasEmbedded, startEmbedded } from '../store/connection/embedded/index.ts';
import { readDailyNeed } from '../store/ledger/daily-need.ts';
import { keepStatedDayStart } from '../store/ledger/facts.ts';
import { statedRecords } from '../store/ledger/record-rules.ts';
import { addExtraTokens } from '../store/ledger/tokens.ts';
import { makeProbeDue } from '../store/limits/breaker.ts';
import { RateLimiter } from '../store/limits/rate-limiter.ts';
import { ensureMigrated, requireMigrated } from '../store/setup/migrate.ts';
import { FreshCredentials } from './fresh-credentials.ts';
import { writeErr } from './output.ts';

/** Says that a new database was made: data that were expected may lie elsewhere. */
function tellNewDatabase(dataDir: string): void {
  writeErr(`made a new, empty database under ${dataDir}${demoHint(dataDir)}\n`);
}

/** Where the demo's data lie, for a person who looks for them elsewhere. */
function demoHint(dataDir: string): string {
  const demo = demoFolder(dataDir);
  return demo !== dataDir && hasEmbedded(demo) ? `; the demo's is under ${demo} (DATA_DIR=${demo})` : '';
}

/** Where the demo keeps its data: within the data folder, unless that is the demo's already. */
export function demoFolder(dataDir: string): string {
  return basename(dataDir) === 'demo' ? dataDir : join(dataDir, 'demo');
}

/**
 * Connections of a process that fetches. Its statements are short, and calls that are under way need none, so that many
 * calls at a time need no more than a few; each new connection is slow until the server has read its catalogue for it.
 */
export function connectionsFor({ fetchConcurrency }: Pick<Settings, 'fetchConcurrency'>): number {
  return Math.min(fetchConcurrency, 8) + 4;
}

/** Makes the parts of a command, and closes them all when it ends: last in, first out. */
export class Runtime {
  #settings: Settings;
  readonly log: Logger;
  readonly clock: Clock;
  /** The way to the API and to chats: through a proxy, where the settings name one. */
  readonly fetch: Fetch;
  readonly #releasers: { readonly name: string; readonly release: () => Promise<void> }[] = [];
  #closing: Promise<void> | undefined;
  #databaseUrl: string | undefined;

  readonly #reread: (() => Settings) | undefined;

  /** @param options `reread` gives the settings of now; without it, those of the start stay */
  constructor(settings: Settings, options: { log?: Logger; clock?: Clock; reread?: () => Settings } = {}) {
    this.#settings = settings;
    this.#reread = options.reread;
    this.fetch = createFetch(settings.proxy);
    this.log = options.log ?? createLogger(settings.logLevel);
    this.clock = options.clock ?? systemClock;
  }

  /** Address of the database that was opened, the embedded one's, too. */
  get databaseUrl(): string | undefined {
    return this.#databaseUrl;
  }

  get settings(): Settings {
    return this.#settings;
  }

  /** Speaks with an API at another address from now on. */
  useApi(baseUrl: string): void {
    this.#settings = { ...this.#settings, baseUrl };
  }

  /** Has something released when the command ends. */
  onClose(name: string, release: () => Promise<void>): void {
    this.#releasers.push({ name, release });
  }

  /** Releases everything, the newest first; one that fails does not keep the others. */
  close(): Promise<void> {
    this.#closing ??= (async () => {
      for (const { name, release } of this.#releasers.reverse()) {
        try {
          await release();
        } catch (error) {
          this.log.warn({ name, error: innermost(error) }, 'did not close well');
        }
      }
    })();
    return this.#closing;
  }

  /** The database of the settings, or the embedded one; with the newest schema. */
  async openDatabase(connections = connectionsFor(this.settings)): Promise<Database> {
    const database = await this.connectDatabase(connections);
    await ensureMigrated(database, this.clock, this.log);
    await keepStatedDayStart(database, this.settings.dayStart, this.clock.now());
    return database;
  }

  /**
   * The database for commands that ask about what is there: nothing is created, and the schema stays as it is.
   * @throws UserError where there is no database, or its schema is not the newest
   */
  async openExistingDatabase(connections = 2): Promise<Database> {
    this.requireDatabase();
    const database = await this.connectDatabase(connections);
    await requireMigrated(database);
    return database;
  }

  /** @throws UserError where the embedded database would have to be made first */
  requireDatabase(): void {
    const { databaseUrl, dataDir } = this.settings;
    if (databaseUrl !== undefined || hasEmbedded(dataDir)) return;
    throw new UserError(
      `there is no database under ${dataDir} yet; \`start\` makes one${demoHint(dataDir)}. ` +
        'DATA_DIR names another folder, DATABASE_URL a server',
    );
  }

  /** The database as it is, without looking at its schema. */
  async connectDatabase(connections: number): Promise<Database> {
    const { databaseUrl, dataDir, postgresBin } = this.settings;
    let url = databaseUrl;
    if (url === undefined) {
      const embedded = await startEmbedded(dataDir, this.log, {}, postgresBin);
      this.onClose('embedded database', embedded.release);
      url = embedded.url;
      if (embedded.isNew) tellNewDatabase(dataDir);
    }
    this.#databaseUrl = url;
    const database = await openDatabase(url, {
      connections,
      catalogue: this.settings.catalogue.speaking(this.settings.apiVersion),
    });
    this.onClose('database', () => database.close());
    return database;
  }

  packer(): Packer {
    const { recordLimit, recordUnit, wire } = this.settings;
    return new Packer({ limit: recordLimit, unit: recordUnit, extraRecords: wire.tags === 'one' ? 1 : 0 });
  }

  /** The context that backfills are planned and worked on with. */
  backfill(database: Database): BackfillContext {
    return { database, clock: this.clock, packer: this.packer(), settings: this.settings, log: this.log };
  }

  /** The context of the page and its API. */
  site(database: Database): SiteOptions {
    const { settings, clock, log } = this;
    return {
      database,
      databaseUrl: database.url,
      settings,
      backfill: this.backfill(database),
      replay: (filter) => this.replay(database, filter),
      clock,
      log,
    };
  }

  /** Reads quarantined things again with the program and the settings as they are now. */
  replay(database: Database, filter: QuarantineFilter, signal?: AbortSignal): Promise<ReplayTally> {
    const { settleDelay, lookbackWindows } = this.settings;
    return replayQuarantine({ database, clock: this.clock, settleDelay, lookbackWindows, filter, signal });
  }

  /** The ingestor: it asks the API and stores its answers. @throws UserError where credentials are missing */
  async ingestor(database: Database): Promise<Ingestor> {
    await makeProbeDue(database, this.clock.now());
    return this.#createIngestor(database, await this.rateLimiter(database));
  }

  /** The rate limiter; with a daily budget, it keeps a part for the newest windows of the desired scope. */
  async rateLimiter(database: Database): Promise<RateLimiter> {
    const { requestsPerSecond, requestsPerDay } = this.settings;
    if (requestsPerDay === undefined) return new RateLimiter(database, requestsPerSecond);
    return new RateLimiter(database, requestsPerSecond, {
      requestsPerDay,
      need: await readDailyNeed(database, this.settings, this.clock.now()),
    });
  }

  /** @throws UserError where they are missing */
  #credentials(): Credentials | (() => Credentials) {
    const { settings } = this;
    const initial = requireCredentials(settings);
    const reread = this.#reread;
    if (reread === undefined) return initial;
    const read = () => requireCredentials({ ...settings, credentials: reread().credentials });
    const fresh = new FreshCredentials(initial, read, this.clock, this.log);
    return () => fresh.current();
  }

  #createIngestor(database: Database, rateLimiter: RateLimiter): Ingestor {
    const { settings, log, clock } = this;
    return new Ingestor({
      client: new ApiClient({
        baseUrl: settings.baseUrl,
        dialect: dialectOf(settings.apiVersion, settings.wire),
        credentials: this.#credentials(),
        clock,
        fetch: this.fetch,
      }),
      database,
      rateLimiter,
      clock,
      log,
      stated: statedRecords(settings),
      mayRefuseEmptyTags: settings.apiVersion === 'v1',
      settleDelay: settings.settleDelay,
      lookbackWindows: settings.lookbackWindows,
      dayStart: settings.dayStart,
    });
  }

  /** As {@link ensureKnownTokens}, with the API of the settings; without credentials, with what is known already. */
  async requireTokens(
    database: Database,
    chosen: readonly Token[] | 'all',
    where: string,
    signal?: AbortSignal,
  ): Promise<void> {
    await addExtraTokens(database, this.settings.extraTokens, this.clock.now());
    const refresh = async () => refreshTokenList(await this.ingestor(database), this.log, signal);
    await ensureKnownTokens(database, chosen, where, {
      now: this.clock.now(),
      refresh: hasCredentials(this.settings) ? refresh : undefined,
    });
  }
}
