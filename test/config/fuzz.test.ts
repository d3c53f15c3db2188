import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { wireProfileSchema } from '../../src/api/dialects/index.ts';
import { granularities, isToken, tagCodes } from '../../src/catalog/index.ts';
import { parseSettings, type Settings, settingNames } from '../../src/config.ts';
import { UserError } from '../../src/errors.ts';
import { fuzzRuns } from '../support/fuzz.ts';
import { mutatedText } from '../support/mutations.ts';
import { expectQuick } from '../support/processor-time.ts';

/** 6,000 environments, and 300 settings of 100,000 characters. */

// A busy machine takes several times as long.
vi.setConfig({ testTimeout: 180_000 });

/** Values that suit. */
const examples: Readonly<Record<string, readonly [string, ...string[]]>> = {
  DATABASE_URL: [
    'postgresql://user:S3CRET-word@db:5432/cryptoracle',
    'postgres://user@[::1]/x?sslmode=require',
  ],
  REDIS_URL: [
    'redis://:S3CRET-word@cache:6379/0',
    'rediss://cache',
    'redis+sentinel://:S3CRET-word@a:1,b/main/2',
  ],
  QUEUE_PREFIX: ['mine', 'cryptoracle_2-b'],
  DATA_DIR: ['.data', '/var/lib/x y'],
  POSTGRES_BIN: ['/usr/lib/postgresql/17/bin', 'npm'],
  CRYPTORACLE_BASE_URL: ['https://service.cryptoracle.network/openapi', 'http://127.0.0.1:9999//'],
  CATALOGUE_FILE: ['catalogue/example.json'],
  HTTPS_PROXY: ['http://user:S3CRET-word@proxy:3128'],
  HTTP_PROXY: ['https://:S3CRET-word@proxy'],
  NO_PROXY: ['localhost, .internal,10.0.0.0/8', '*'],
  CRYPTORACLE_API_VERSION: ['v1', 'v2.1'],
  CRYPTORACLE_API_KEY: ['S3CRET-key'],
  CRYPTORACLE_SIGN_SECRET: ['S3CRET-sign'],
  CRYPTORACLE_DATA_SECRET: ['S3CRET-16-bytes!'],
  CRYPTORACLE_DATA_IV: ['S3CRET-iv-16-by!'],
  CRYPTORACLE_WIRE: ['{"ciphertext":"hex","tags":"one"}', '{"payload":"param","timestamp":"ms"}'],
  GRANULARITIES: ['1h,4h', 'all'],
  TOKENS: ['BTC,1INCH', 'ALL'],
  EXTRA_TOKENS: ['AIN, XYZ'],
  METRICS: ['mention_count,CO-A-02-03', 'all'],
  TAGS: ['ecosystem,CO-B-01-01', 'all'],
  HISTORY_START: ['2025-01-01', '2025-06-01 12:30'],
  SETTLE_DELAY: ['15m', '1.5h', '366d'],
  LOOKBACK_WINDOWS: ['0', '1000'],
  KEEP_15M: ['180d', '1d'],
  KEEP_1H: ['36600d'],
  KEEP_4H: ['24h'],
  KEEP_1D: ['366.5d'],
  KEEP_REQUESTS: ['30d'],
  KEEP_REVISIONS: ['400d'],
  KEEP_QUARANTINE: ['90d'],
  KEEP_NOTES: ['1d'],
  KEEP_EVENTS: ['1d'],
  AUDIT_REQUESTS_PER_DAY: ['0', '10000'],
  REFETCH_DROPPED: ['on', 'off'],
  RECORD_LIMIT: ['1', '20000'],
  DAY_START: ['auto', '08:00', '00:00'],
  RECORD_UNIT: ['row'],
  FETCH_CONCURRENCY: ['64'],
  REQUESTS_PER_SECOND: ['0.25', '1e3'],
  REQUESTS_PER_DAY: ['5000'],
  HTTP_HOST: ['::', '127.0.0.1'],
  HTTP_PORT: ['8080'],
  HTTP_TOKEN: ['S3CRET-token'],
  HTTP_WRITE_TOKEN: ['S3CRET-write'],
  NOTIFY_WEBHOOK: ['https://S3CRET-hook.example.com/services/S3CRET-key?x=1'],
  LOG_LEVEL: ['silent'],
};

/** A part of every secret that is given, whatever else is wrong with it. */
const mark = 'S3CRET-';

const isSecret = (name: string) => (examples[name] ?? [''])[0].includes(mark);

const isAge = (age: number) => age >= 86_400_000 && age <= 36_600 * 86_400_000;

/** What no setting may be, once it was taken. */
const checks: Readonly<Record<keyof Settings, (settings: Settings) => boolean>> = {
  given: ({ given }) => [...given].every((name) => settingNames.includes(name)),
  databaseUrl: ({ databaseUrl: url }) => url === undefined || /^postgres(ql)?:$/.test(new URL(url).protocol),
  redisUrl: ({ redisUrl: url }) =>
    url === undefined ||
    /^rediss?\+sentinel:\/\/[^/]+\/[^/]+/.test(url) ||
    /^\/?\d*$/.test(new URL(url).pathname),
  queuePrefix: ({ queuePrefix }) => queuePrefix === undefined || /^[\w-]{1,64}$/.test(queuePrefix),
  proxy: ({ proxy: { https, http } }) =>
    [https, http].every((url) => url === undefined || /^https?:$/.test(new URL(url).protocol)),
  dataDir: ({ dataDir }) => dataDir !== '',
  postgresBin: ({ postgresBin }) => postgresBin === undefined || postgresBin !== '',
  baseUrl: ({ baseUrl, apiVersion }) =>
    new Request(`${baseUrl}/${apiVersion}/endpoint`).url.endsWith('/endpoint'),
  apiVersion: ({ apiVersion }) => /^[\w.-]+$/.test(apiVersion),
  credentials: ({ credentials: { dataSecret, dataIv } }) =>
    [dataSecret, dataIv].every((key) => key === undefined || Buffer.byteLength(key) === 16),
  wire: ({ wire }) => /^[\w-]+$/.test(wire.payload) && wireProfileSchema.safeParse(wire).success,
  granularities: ({ granularities: list }) => isListOf(list, granularities),
  tokens: ({ tokens }) => tokens === 'all' || (tokens.length > 0 && tokens.every(isToken)),
  extraTokens: ({ extraTokens }) => extraTokens.every(isToken),
  catalogueFile: ({ catalogueFile }) => catalogueFile === undefined || catalogueFile !== '',
  catalogue: ({ catalogue, apiVersion }) => catalogue.version === apiVersion,
  metrics: ({ metrics, catalogue }) => isListOf(metrics, catalogue.codes),
  tags: ({ tags }) => isListOf(tags, tagCodes),
  historyStart: ({ historyStart }) => new Date(historyStart).getUTCFullYear() < 10_000,
  settleDelay: ({ settleDelay }) => settleDelay >= 0 && settleDelay <= 366 * 86_400_000,
  lookbackWindows: ({ lookbackWindows }) => isWhole(lookbackWindows, 0, 1000),
  auditRequestsPerDay: ({ auditRequestsPerDay }) => isWhole(auditRequestsPerDay, 0, 10_000),
  keep: ({ keep }) => Object.values(keep).every((age) => age === undefined || isAge(age)),
  keepNotes: ({ keepNotes }) => Object.values(keepNotes).every(isAge),
  refetchDropped: ({ refetchDropped }) => typeof refetchDropped === 'boolean',
  recordLimit: ({ recordLimit }) => isWhole(recordLimit, 1, 20_000),
  dayStart: ({ dayStart }) => ['auto', '08:00', '00:00'].includes(dayStart),
  recordUnit: ({ recordUnit }) => ['value', 'row'].includes(recordUnit),
  fetchConcurrency: ({ fetchConcurrency }) => isWhole(fetchConcurrency, 1, 64),
  requestsPerSecond: ({ requestsPerSecond: rate }) => rate > 0 && rate <= 10_000,
  requestsPerDay: ({ requestsPerDay: calls }) =>
    calls === undefined || (Number.isInteger(calls) && calls > 0),
  httpHost: ({ httpHost }) => httpHost !== '',
  httpPort: ({ httpPort }) => isWhole(httpPort, 0, 65_535),
  httpToken: ({ httpToken }) => httpToken === undefined || httpToken.length >= 8,
  httpWriteToken: ({ httpWriteToken }) => httpWriteToken === undefined || httpWriteToken.length >= 8,
  notifyWebhook: ({ notifyWebhook: hook }) => hook === undefined || /^https?:/.test(new URL(hook).protocol),
  logLevel: ({ logLevel }) => /^[a-z]+$/.test(logLevel),
};

function isWhole(number: number, least: number, most: number): boolean {
  return Number.isInteger(number) && number >= least && number <= most;
}

function isListOf(list: readonly string[], all: readonly string[]): boolean {
  return list.length > 0 && new Set(list).size === list.length && list.every((item) => all.includes(item));
}

type Environment = Readonly<Record<string, string>>;

/** Gives what is wrong with the environment; nothing where it is taken. @throws where it is neither taken nor refused well */
function problemWith(environment: Environment): string | undefined {
  return expectQuick(() => judged(environment));
}

function judged(environment: Environment): string | undefined {
  try {
    const settings = parseSettings(environment);
    for (const [name, holds] of Object.entries(checks)) {
      if (!holds(settings)) throw new Error(`${name} is taken: ${JSON.stringify(settings)}`);
    }
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    const problem = error.message;
    const [, name = ''] = /^([A-Z][A-Z0-9_]*)(?: \([^)]*\))?: ./s.exec(problem) ?? [];
    if (environment[name] === undefined) throw new Error(`names none that was given: ${problem}`);
    if (problem.includes(mark)) throw new Error(`tells a secret: ${problem}`);
    return problem;
  }
  return undefined;
}

const character = fc.constantFrom(...'aZ09 ,:;-+._/\'"{}[]\\%@?#\0\n\u00e9\u6bd4\ud800\u{1f680}');

/** A value of a setting: one that suits, with something wrong with it, or anything. Secrets keep their mark. */
const setting = fc
  .tuple(
    fc.constantFrom(...Object.keys(examples), 'HTTP_TOKEN_FILE', 'CRYPTORACLE_API_KEY_FILE'),
    fc.nat(),
    fc.integer(),
    fc.string({ unit: character }),
  )
  .map(([name, choice, seed, text]) => {
    const suits = examples[name] ?? ['/nowhere/secret'];
    const value = suits[choice % suits.length] ?? suits[0];
    const given = choice % 3 === 0 ? text : choice % 3 === 1 ? mutatedText(value, seed) : value;
    return [name, isSecret(name) && !given.includes(mark) ? `${mark}${given}` : given] as const;
  });

describe('any environment', () => {
  it('is taken for what settings can be, or the user is told what is wrong with which, and no secret', () => {
    let taken = 0;
    let refused = 0;
    fc.assert(
      fc.property(fc.array(setting, { maxLength: 5 }), (settings) => {
        if (problemWith(Object.fromEntries(settings)) === undefined) taken++;
        else refused++;
      }),
      { numRuns: fuzzRuns(1500) },
    );
    expect(Math.min(taken, refused)).toBeGreaterThan(fuzzRuns(100));
  });

  it('of every setting there is has been tried', () => {
    expect(Object.keys(examples).sort()).toEqual([...settingNames].sort());
    for (const [name, values] of Object.entries(examples)) {
      for (const value of values)
        expect([name, value, problemWith({ [name]: value })]).toEqual([name, value, undefined]);
    }
  });

  it('is read in no time, however long it is', () => {
    const pieces = ['1', '.', ',', 'a,', '/', ' ', '9:', '{"a":', '[', '%', '\u00e9', '\n'];
    for (const [name, [value]] of Object.entries(examples)) {
      for (const piece of pieces) problemWith({ [name]: `${value}${piece.repeat(50_000 / piece.length)}!` });
    }
  });
});
