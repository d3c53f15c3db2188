import { existsSync, readFileSync } from 'node:fs';
import { loadEnvFile } from 'node:process';
import { z } from 'zod';
import { isCipherKey } from './api/dialects/cipher.ts';
import { type Credentials, type WireProfile, wireProfileSchema } from './api/dialects/wire.ts';
import { parseBeijing } from './beijing.ts';
import {
  findMetric,
  findTag,
  type Granularity,
  granularities,
  isGranularity,
  isToken,
  type MetricCode,
  metricCodes,
  type TagCode,
  type Token,
  tagCodes,
} from './catalog/index.ts';
import { UserError } from './errors.ts';

/**
 * Every setting, read from the environment and from `.env`, and nowhere else. `.env.example` documents them for
 * people.
 */

const durationUnits = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** Far longer than any wait makes sense, and short enough for the arithmetic of dates. */
const longestDuration = 366 * durationUnits.d;

/** @returns milliseconds, or `undefined` where the text is no duration such as `90s` or `15m`. */
export function parseDuration(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(text.trim());
  if (match === null) return undefined;
  return Number(match[1]) * durationUnits[match[2] as keyof typeof durationUnits];
}

/** A comma list; each item is looked up, and an unknown one is an error that names it. */
function commaList<T>(all: readonly T[], find: (item: string) => T | undefined, what: string) {
  return z
    .string()
    .default('all')
    .transform((text, context): readonly T[] => {
      if (text.trim().toLowerCase() === 'all') return all;
      const items = splitList(text);
      if (items.length === 0) context.addIssue(`names no ${what}; give a comma list, or 'all'`);
      const found = items.map((item) => {
        const value = find(item);
        if (value === undefined) context.addIssue(`unknown ${what} '${item}'`);
        return value;
      });
      return [...new Set(found.filter((value) => value !== undefined))];
    });
}

/** The items of a comma list, without blanks. */
export function splitList(text: string): string[] {
  return text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
}

/** @param suits whether an address that is one can be used */
const url = (protocols: RegExp, example: string, suits: (address: URL) => boolean = () => true) =>
  z
    .url({ protocol: protocols, error: `is no address such as ${example}`, abort: true })
    .refine((text) => suits(new URL(text)), `is no address such as ${example}`)
    // The last slashes begin where none is before: tried at every slash, many of them would take for ever.
    .transform((text) => text.replace(/(?<!\/)\/+$/, ''));

/** What a path can be put below. `fetch` refuses a user or password, and quotes them in its error. */
const isPlain = ({ username, password, href }: URL) => username + password === '' && !/[?#]/.test(href);

/** What the PostgreSQL client can connect to; for a port that is none, given as a parameter, it never answers. */
function isPostgres({ searchParams }: URL): boolean {
  return searchParams
    .getAll('port')
    .every((port) => /^\d+$/.test(port) && Number(port) > 0 && Number(port) < 65_536);
}

/** What the Redis client can read; for a broken escape, or a database that is no number, it has no error. */
function isRedis({ username, password, pathname }: URL): boolean {
  return isEscaped(username + password) && /^\/?\d*$/.test(pathname);
}

function isEscaped(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}

const integer = (minimum: number, maximum: number) =>
  z.coerce
    .number({ error: 'is no number' })
    .int('must be a whole number')
    .min(minimum, `must be at least ${minimum}`)
    .max(maximum, `must be at most ${maximum}`);

const duration = (fallback: string) =>
  z
    .string()
    .default(fallback)
    .transform((text, context) => {
      const milliseconds = parseDuration(text);
      if (milliseconds === undefined) context.addIssue(`'${text}' is no duration such as 90s, 15m or 2h`);
      else if (milliseconds > longestDuration) context.addIssue('must be at most 366d');
      return milliseconds ?? 0;
    });

const beijingDate = (fallback: string) =>
  z
    .string()
    .default(fallback)
    .transform((text, context) => {
      const instant = parseBeijing(text);
      if (instant === undefined) context.addIssue(`'${text}' is no date such as 2025-01-01 (Beijing)`);
      return instant ?? 0;
    });

const wire = z
  .string()
  .default('{}')
  .transform((text, context): unknown => {
    try {
      return JSON.parse(text);
    } catch {
      context.addIssue('is no JSON such as {"ciphertext":"hex"}');
      return z.NEVER;
    }
  })
  .pipe(wireProfileSchema);

const cipherKey = z.string().refine(isCipherKey, 'must be 16 bytes long').optional();

const vendor = 'https://service.cryptoracle.network/openapi';

const settingsSchema = z.object({
  DATABASE_URL: url(/^postgres(ql)?$/, 'postgresql://user:password@host:5432/name', isPostgres).optional(),
  REDIS_URL: url(/^rediss?$/, 'redis://host:6379/0', isRedis).optional(),
  DATA_DIR: z.string().min(1).default('.data'),
  CRYPTORACLE_BASE_URL: url(/^https?$/, vendor, isPlain).default(vendor),
  CRYPTORACLE_API_VERSION: z
    .string()
    .regex(/^[A-Za-z0-9._-]+$/, "is no version such as 'v1'")
    .default('v1'),
  CRYPTORACLE_API_KEY: z.string().min(1).optional(),
  CRYPTORACLE_SIGN_SECRET: z.string().min(1).optional(),
  CRYPTORACLE_DATA_SECRET: cipherKey,
  CRYPTORACLE_DATA_IV: cipherKey,
  CRYPTORACLE_WIRE: wire,
  GRANULARITIES: commaList<Granularity>(
    granularities,
    (item) => (isGranularity(item) ? item : undefined),
    'granularity',
  ),
  TOKENS: z
    .string()
    .default('all')
    .transform((text, context): readonly Token[] | 'all' => {
      if (text.trim().toLowerCase() === 'all') return 'all';
      const items = splitList(text);
      if (items.length === 0) context.addIssue("names no token; give a comma list, or 'all'");
      for (const item of items) if (!isToken(item)) context.addIssue(`'${item}' is no token`);
      return [...new Set(items.filter(isToken))];
    }),
  METRICS: commaList<MetricCode>(metricCodes, (item) => findMetric(item)?.code, 'metric'),
  TAGS: commaList<TagCode>(tagCodes, (item) => findTag(item)?.code, 'tag'),
  HISTORY_START: beijingDate('2025-01-01'),
  SETTLE_DELAY: duration('15m'),
  LOOKBACK_WINDOWS: integer(0, 1000).default(4),
  // So many rows of all metrics still make an answer that the client reads (api/client.ts, api/envelope.ts).
  RECORD_LIMIT: integer(1, 20_000).default(2000),
  RECORD_UNIT: z.enum(['value', 'row']).default('value'),
  RANGE_END: z.enum(['exclusive', 'inclusive']).default('exclusive'),
  FETCH_CONCURRENCY: integer(1, 64).default(4),
  REQUESTS_PER_SECOND: z.coerce
    .number({ error: 'is no number' })
    .positive('must be more than 0')
    .max(10_000, 'must be at most 10000')
    .default(1),
  REQUESTS_PER_DAY: integer(1, 1_000_000_000).optional(),
  HTTP_HOST: z.string().min(1).default('127.0.0.1'),
  HTTP_PORT: integer(0, 65_535).default(8080),
  HTTP_TOKEN: z.string().min(8, 'must have at least 8 characters').optional(),
  LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']).default('info'),
});

type RawSettings = z.infer<typeof settingsSchema>;

/** Names of all settings, as they stand in the environment. */
export const settingNames: readonly string[] = Object.keys(settingsSchema.shape);

export interface Settings {
  /** Names of the settings that were given; the others have their defaults. */
  readonly given: ReadonlySet<string>;
  /** `undefined`: the embedded database. */
  readonly databaseUrl: string | undefined;
  /** `undefined`: the queue lives in the database. */
  readonly redisUrl: string | undefined;
  readonly dataDir: string;
  readonly baseUrl: string;
  readonly apiVersion: string;
  readonly credentials: Partial<Credentials>;
  readonly wire: WireProfile;
  readonly granularities: readonly Granularity[];
  readonly tokens: readonly Token[] | 'all';
  readonly metrics: readonly MetricCode[];
  readonly tags: readonly TagCode[];
  /** Instant from which on windows are wanted; milliseconds since the epoch. */
  readonly historyStart: number;
  /** Milliseconds after its close until a window is due. */
  readonly settleDelay: number;
  /** How many of the newest windows are asked for again at each tick. */
  readonly lookbackWindows: number;
  readonly recordLimit: number;
  readonly recordUnit: 'value' | 'row';
  readonly rangeEnd: 'exclusive' | 'inclusive';
  readonly fetchConcurrency: number;
  readonly requestsPerSecond: number;
  /** Most calls on a Beijing day, of all processes together; `undefined`: no limit. */
  readonly requestsPerDay: number | undefined;
  readonly httpHost: string;
  readonly httpPort: number;
  readonly httpToken: string | undefined;
  readonly logLevel: RawSettings['LOG_LEVEL'];
}

/** Settings that may also be given as a file: `NAME_FILE` holds its path. */
const secretNames = [
  'DATABASE_URL',
  'REDIS_URL',
  'CRYPTORACLE_API_KEY',
  'CRYPTORACLE_SIGN_SECRET',
  'CRYPTORACLE_DATA_SECRET',
  'CRYPTORACLE_DATA_IV',
  'HTTP_TOKEN',
] as const;

/**
 * Reads the settings of this process: the environment, completed by `.env` in the working directory.
 * @throws UserError naming every setting that is wrong
 */
export function readSettings(): Settings {
  if (existsSync('.env')) loadEnvFile('.env');
  return parseSettings(process.env);
}

/** Names in the environment that look like settings of ours and are none: misspelt ones. */
export function unknownSettings(names: readonly string[] = Object.keys(process.env)): string[] {
  const known = new Set([...settingNames, ...secretNames.map((name) => `${name}_FILE`)]);
  return names.filter((name) => name.startsWith('CRYPTORACLE_') && !known.has(name));
}

/** @throws UserError naming every setting that is wrong */
export function parseSettings(environment: Readonly<Record<string, string | undefined>>): Settings {
  const given: Record<string, string> = {};
  for (const name of settingNames) {
    // An empty variable is how compose files and shells say 'not set'.
    const value = environment[name];
    if (value !== undefined && value.trim() !== '') given[name] = value;
  }
  for (const name of secretNames) given[name] ??= readSecretFile(name, environment[`${name}_FILE`]) ?? '';
  for (const name of secretNames) if (given[name] === '') delete given[name];

  const parsed = settingsSchema.safeParse(given);
  if (!parsed.success) {
    const problems = parsed.error.issues.map((issue) => {
      const [name, ...rest] = issue.path;
      return `${String(name)}${rest.length > 0 ? ` (${rest.join('.')})` : ''}: ${issue.message}`;
    });
    throw new UserError(`${[...new Set(problems)].join('; ')} (see .env.example)`);
  }
  if (parsed.data.CRYPTORACLE_WIRE.tags === 'one' && parsed.data.RECORD_LIMIT < 2) {
    throw new UserError(
      'RECORD_LIMIT: must be at least 2 where CRYPTORACLE_WIRE sends a tag always (see .env.example)',
    );
  }
  return toSettings(parsed.data, new Set(Object.keys(given)));
}

function readSecretFile(name: string, path: string | undefined): string | undefined {
  if (path === undefined || path === '') return undefined;
  try {
    return readFileSync(path, 'utf8').trim();
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? ` (${String(error.code)})` : '';
    throw new UserError(`${name}_FILE: cannot read ${path}${code}`);
  }
}

function toSettings(raw: RawSettings, given: ReadonlySet<string>): Settings {
  return {
    given,
    databaseUrl: raw.DATABASE_URL,
    redisUrl: raw.REDIS_URL,
    dataDir: raw.DATA_DIR,
    baseUrl: raw.CRYPTORACLE_BASE_URL,
    apiVersion: raw.CRYPTORACLE_API_VERSION,
    credentials: {
      ...(raw.CRYPTORACLE_API_KEY && { apiKey: raw.CRYPTORACLE_API_KEY }),
      ...(raw.CRYPTORACLE_SIGN_SECRET && { signSecret: raw.CRYPTORACLE_SIGN_SECRET }),
      ...(raw.CRYPTORACLE_DATA_SECRET && { dataSecret: raw.CRYPTORACLE_DATA_SECRET }),
      ...(raw.CRYPTORACLE_DATA_IV && { dataIv: raw.CRYPTORACLE_DATA_IV }),
    },
    wire: raw.CRYPTORACLE_WIRE,
    granularities: raw.GRANULARITIES,
    tokens: raw.TOKENS,
    metrics: raw.METRICS,
    tags: raw.TAGS,
    historyStart: raw.HISTORY_START,
    settleDelay: raw.SETTLE_DELAY,
    lookbackWindows: raw.LOOKBACK_WINDOWS,
    recordLimit: raw.RECORD_LIMIT,
    recordUnit: raw.RECORD_UNIT,
    rangeEnd: raw.RANGE_END,
    fetchConcurrency: raw.FETCH_CONCURRENCY,
    requestsPerSecond: raw.REQUESTS_PER_SECOND,
    requestsPerDay: raw.REQUESTS_PER_DAY,
    httpHost: raw.HTTP_HOST,
    httpPort: raw.HTTP_PORT,
    httpToken: raw.HTTP_TOKEN,
    logLevel: raw.LOG_LEVEL,
  };
}

/** Whether there is everything that it takes to speak with the API. */
export function hasCredentials({ credentials }: Settings): boolean {
  const { apiKey, signSecret, dataSecret, dataIv } = credentials;
  return [apiKey, signSecret, dataSecret, dataIv].every((value) => value !== undefined);
}

/** The credentials, for commands that speak with the API. @throws UserError naming the ones that are missing */
export function requireCredentials({ credentials }: Settings): Credentials {
  const { apiKey, signSecret, dataSecret, dataIv } = credentials;
  if (apiKey !== undefined && signSecret !== undefined && dataSecret !== undefined && dataIv !== undefined) {
    return { apiKey, signSecret, dataSecret, dataIv };
  }
  const names = {
    CRYPTORACLE_API_KEY: apiKey,
    CRYPTORACLE_SIGN_SECRET: signSecret,
    CRYPTORACLE_DATA_SECRET: dataSecret,
    CRYPTORACLE_DATA_IV: dataIv,
  };
  const missing = Object.entries(names).flatMap(([name, value]) => (value === undefined ? [name] : []));
  throw new UserError(
    `not set: ${missing.join(', ')}. Put what Cryptoracle gave you into .env (see .env.example)`,
  );
}
