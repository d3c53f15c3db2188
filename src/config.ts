import { existsSync, readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';
import { z } from 'zod';
import { isCipherKey } from './api/dialects/cipher.ts';
import {
  type Credentials,
  dialectOf,
  type SecretName,
  secretSettings,
  wireProfileSchema,
} from './api/dialects/index.ts';
import {
  type ApiVersion,
  apiVersions,
  bundledCatalogue,
  type Catalogue,
  dayStarts,
  findTag,
  type Granularity,
  granularities,
  isGranularity,
  type MetricCode,
  type TagCode,
  tagCodes,
} from './catalog/index.ts';
import { apiUrl, postgresUrl, proxyUrl, redisUrl, webhookUrl } from './config/addresses.ts';
import { readCatalogue } from './config/catalogue.ts';
import {
  assemble,
  type Entry,
  type Environment,
  entriesOf,
  readEntry,
  secret,
  setting,
} from './config/entry.ts';
import { findUnread, type UnreadSetting } from './config/unread.ts';
import * as value from './config/values.ts';
import { UserError } from './errors.ts';

/**
 * Every setting: the one schema, and the only reader of the environment and of `.env`. A new setting is one entry here,
 * and a line in `.env.example`, which documents them for people.
 */

const vendor = 'https://service.cryptoracle.network/openapi';

const cipherKey = () => z.string().refine(isCipherKey, 'must be 16 bytes long').exactOptional();

const schemaFor = (catalogue: Catalogue) =>
  z
    .object({
      /** Names of the settings that were given; the others have their defaults. */
      given: z.custom<ReadonlySet<string>>((names) => names instanceof Set),
      /** Absent: the embedded database. */
      databaseUrl: secret('DATABASE_URL', postgresUrl().optional()),
      /** Absent: the queue lives in the database. */
      redisUrl: secret('REDIS_URL', redisUrl().optional()),
      /** Keeps pipelines apart that share one Redis; absent: made from the database's own identity. */
      queuePrefix: setting(
        'QUEUE_PREFIX',
        z
          .string()
          .regex(/^[A-Za-z0-9_-]{1,64}$/, 'may have up to 64 letters, digits, _ and -')
          .optional(),
      ),
      dataDir: setting('DATA_DIR', value.text().default('.data')),
      /** The folder of the server's programs for the embedded database, or `npm`; absent: as they are found. */
      postgresBin: setting('POSTGRES_BIN', value.text().optional()),
      baseUrl: setting('CRYPTORACLE_BASE_URL', apiUrl(vendor).default(vendor)),
      /** The proxies for calls that leave this machine; they may hold a password. */
      proxy: z.object({
        https: secret('HTTPS_PROXY', proxyUrl().optional()),
        http: secret('HTTP_PROXY', proxyUrl().optional()),
        no: setting('NO_PROXY', value.text().optional()),
      }),
      /** Absent: told by which credentials there are. */
      apiVersion: setting('CRYPTORACLE_API_VERSION', z.enum(apiVersions).exactOptional()),
      credentials: z.object({
        apiKey: secret('CRYPTORACLE_API_KEY', value.text().exactOptional()),
        signSecret: secret('CRYPTORACLE_SIGN_SECRET', value.text().exactOptional()),
        dataSecret: secret('CRYPTORACLE_DATA_SECRET', cipherKey()),
        dataIv: secret('CRYPTORACLE_DATA_IV', cipherKey()),
      }),
      wire: setting('CRYPTORACLE_WIRE', value.json(wireProfileSchema, '{"ciphertext":"hex"}')),
      /** A file with metrics of the user's own. */
      catalogueFile: setting('CATALOGUE_FILE', value.text().optional()),
      granularities: setting(
        'GRANULARITIES',
        value.commaList<Granularity>(
          granularities,
          (item) => (isGranularity(item) ? item : undefined),
          'granularity',
        ),
      ),
      tokens: setting('TOKENS', value.tokenList()),
      /** Tokens that the API has and does not list; with `all` they are fetched, too. */
      extraTokens: setting('EXTRA_TOKENS', value.extraTokens()),
      metrics: setting(
        'METRICS',
        value.commaList<MetricCode>(
          catalogue.codes,
          (item) => catalogue.find(item)?.code,
          'metric',
          (item) => catalogue.nearest(item),
        ),
      ),
      tags: setting(
        'TAGS',
        value.commaList<TagCode>(tagCodes, (item) => findTag(item)?.code, 'tag'),
      ),
      /** Instant from which on windows are wanted; milliseconds since the epoch. */
      historyStart: setting('HISTORY_START', value.beijingDate('2025-01-01')),
      /** Milliseconds after its close until a window is due. */
      settleDelay: setting('SETTLE_DELAY', value.duration('15m')),
      /** How many of the newest windows are asked for again at each tick. */
      lookbackWindows: setting('LOOKBACK_WINDOWS', value.integer(0, 1000).default(4)),
      /** Calls of a Beijing day that ask windows of random age again; 0: none. */
      auditRequestsPerDay: setting('AUDIT_REQUESTS_PER_DAY', value.integer(0, 10_000).default(10)),
      /** Age in milliseconds from which on windows are no longer wanted, and their values removed; absent: never. */
      keep: z.object({
        '15m': setting('KEEP_15M', value.age().optional()),
        '1h': setting('KEEP_1H', value.age().optional()),
        '4h': setting('KEEP_4H', value.age().optional()),
        '1d': setting('KEEP_1D', value.age().optional()),
      }),
      /** Age in milliseconds from which on what the program notes down is removed. */
      keepNotes: z.object({
        requests: setting('KEEP_REQUESTS', value.ageOr('400d')),
        revisions: setting('KEEP_REVISIONS', value.ageOr('1830d')),
        quarantine: setting('KEEP_QUARANTINE', value.ageOr('400d')),
        quality_notes: setting('KEEP_NOTES', value.ageOr('400d')),
        events: setting('KEEP_EVENTS', value.ageOr('1830d')),
      }),
      /** Whether values that somebody removed here are fetched again. */
      refetchDropped: setting('REFETCH_DROPPED', value.onOff()),
      // So many rows of all metrics still make an answer that the client reads (api/client.ts, api/dialects/envelope.ts).
      recordLimit: setting('RECORD_LIMIT', value.integer(1, 20_000).default(2000)),
      recordUnit: setting('RECORD_UNIT', z.enum(['value', 'row']).default('value')),
      /** When the API's day starts, on the Beijing clock; `auto`: as its answers show it. */
      dayStart: setting('DAY_START', z.enum(['auto', ...dayStarts]).default('auto')),
      fetchConcurrency: setting('FETCH_CONCURRENCY', value.integer(1, 64).default(4)),
      requestsPerSecond: setting('REQUESTS_PER_SECOND', value.rate(10_000).default(1)),
      /** Most calls on a Beijing day, of all processes together; absent: no limit. */
      requestsPerDay: setting('REQUESTS_PER_DAY', value.integer(1, 1_000_000_000).optional()),
      httpHost: setting('HTTP_HOST', value.text().default('127.0.0.1')),
      httpPort: setting('HTTP_PORT', value.integer(0, 65_535).default(8080)),
      httpToken: secret('HTTP_TOKEN', value.bearerToken().optional()),
      /** Absent: nobody changes anything over HTTP. */
      httpWriteToken: secret('HTTP_WRITE_TOKEN', value.bearerToken().optional()),
      /** Absent: nobody is told by a chat. The address is a secret: whoever has it can write there. */
      notifyWebhook: secret('NOTIFY_WEBHOOK', webhookUrl().optional()),
      logLevel: setting(
        'LOG_LEVEL',
        z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']).default('info'),
      ),
    })
    .refine(({ wire, recordLimit }) => wire.tags !== 'one' || recordLimit >= 2, {
      path: ['recordLimit'],
      error: 'must be at least 2 where CRYPTORACLE_WIRE sends a tag always',
    });

const bundledSchema = schemaFor(bundledCatalogue);

type ParsedSettings = z.output<typeof bundledSchema>;

export type Settings = Readonly<
  Omit<ParsedSettings, 'apiVersion'> & {
    readonly apiVersion: ApiVersion;
    /** The metrics that there are, for the version that is spoken. */
    readonly catalogue: Catalogue;
  }
>;

const entries: readonly Entry[] = entriesOf(bundledSchema);

/** Names of all settings, as they stand in the environment. */
export const settingNames: readonly string[] = entries.map(({ name }) => name);

/**
 * Reads the settings of this process: the environment, completed by `.env` in the working directory.
 * @throws UserError naming every setting that is wrong
 */
export function readSettings(): Settings {
  return parseSettings(environmentNow());
}

/** `.env` is read anew each time: what it says may have changed since. */
function environmentNow(): Environment {
  return { ...(existsSync('.env') ? parseEnv(readFileSync('.env', 'utf8')) : {}), ...process.env };
}

/** Variables that were probably meant to be settings: misspelt ones. */
export function unreadSettings(set: Iterable<string> = Object.keys(environmentNow())): UnreadSetting[] {
  const files = entries.flatMap(({ name, isSecret }) => (isSecret ? [`${name}_FILE`] : []));
  return findUnread(set, [...settingNames, ...files]);
}

/** @throws UserError naming every setting that is wrong */
export function parseSettings(environment: Environment): Settings {
  const texts = new Map<Entry, string>();
  for (const entry of entries) {
    const text = readEntry(entry, environment);
    if (text !== undefined) texts.set(entry, text);
  }
  const given = new Set([...texts.keys()].map(({ name }) => name));
  const { catalogue, problem } = findCatalogue(environment.CATALOGUE_FILE?.trim() || undefined);
  const schema = catalogue === bundledCatalogue ? bundledSchema : schemaFor(catalogue);
  const parsed = schema.safeParse({
    credentials: {},
    proxy: {},
    keep: {},
    keepNotes: {},
    ...assemble(texts),
    given,
  });
  if (parsed.success && problem === undefined) {
    const apiVersion = versionOf(parsed.data);
    return { ...parsed.data, apiVersion, catalogue: catalogue.speaking(apiVersion) };
  }
  const issues = parsed.error?.issues.map(describeIssue) ?? [];
  const problems = new Set(problem === undefined ? issues : [problem, ...issues]);
  throw new UserError(`${[...problems].join('; ')} (see .env.example)`);
}

/** The catalogue, or what is wrong with its file: that is told together with the other mistakes. */
function findCatalogue(path: string | undefined): { catalogue: Catalogue; problem?: string } {
  try {
    return { catalogue: readCatalogue(path) };
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return { catalogue: bundledCatalogue, problem: error.message };
  }
}

function describeIssue({ path, message }: z.core.$ZodIssue): string {
  const entry = entries.find((each) => each.path.every((key, index) => key === path[index]));
  const inside = path.slice(entry?.path.length ?? 0);
  return `${entry?.name ?? 'settings'}${inside.length > 0 ? ` (${inside.join('.')})` : ''}: ${message}`;
}

/** One of the three secrets means v1; the key alone, or nothing yet, means what the vendor serves today. */
function versionOf({ apiVersion, credentials }: ParsedSettings): ApiVersion {
  const { signSecret, dataSecret, dataIv } = credentials;
  return apiVersion ?? ([signSecret, dataSecret, dataIv].every((each) => each === undefined) ? 'v2.1' : 'v1');
}

type SettingsOfApi = Pick<Settings, 'apiVersion' | 'wire' | 'credentials'>;

function missingSecrets({ apiVersion, wire, credentials }: SettingsOfApi): readonly SecretName[] {
  return dialectOf(apiVersion, wire).secrets.filter((name) => credentials[name] === undefined);
}

/** Whether there is everything that it takes to speak with this version of the API. */
export function hasCredentials(settings: SettingsOfApi): boolean {
  return missingSecrets(settings).length === 0;
}

/** The credentials, for commands that speak with the API. @throws UserError naming the ones that are missing */
export function requireCredentials(settings: SettingsOfApi): Credentials {
  const { apiVersion, credentials } = settings;
  const { apiKey } = credentials;
  const missing = missingSecrets(settings);
  if (missing.length === 0 && apiKey !== undefined) return { ...credentials, apiKey };
  const names = missing.map((name) => secretSettings[name]).join(', ');
  throw new UserError(
    `not set: ${names}. Version ${apiVersion} of the API needs ${missing.length === 1 ? 'it' : 'them'}; put what Cryptoracle gave you into .env (see .env.example)`,
  );
}
