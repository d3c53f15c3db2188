import { describe, expect, it } from 'vitest';
import { defaultWireProfile } from '../../src/api/dialects/wire.ts';
import { bundledCatalogue, granularities, metricCodes, tagCodes } from '../../src/catalog/index.ts';
import { describeUnread } from '../../src/config/unread.ts';
import {
  hasCredentials,
  parseSettings,
  requireCredentials,
  settingNames,
  unreadSettings,
} from '../../src/config.ts';
import { UserError } from '../../src/errors.ts';
import { expectQuick } from '../support/processor-time.ts';

type Environment = Record<string, string | undefined>;

/** The message of the one error that the settings give. */
function problemOf(environment: Environment): string {
  try {
    parseSettings(environment);
  } catch (error) {
    if (error instanceof UserError) return error.message;
    throw error;
  }
  throw new Error(`nothing is wrong with ${JSON.stringify(environment)}`);
}

const credentials = {
  CRYPTORACLE_API_KEY: 'cryptoracle',
  CRYPTORACLE_SIGN_SECRET: 'cryptoracletest1',
  CRYPTORACLE_DATA_SECRET: 'cryptoracletest2',
  CRYPTORACLE_DATA_IV: 'cryptoracletest3',
};

const wrongValues: Readonly<Record<string, readonly string[]>> = {
  DATABASE_URL: [
    ...['localhost:5432', 'mysql://localhost/x', 'http://localhost', 'postgres', '//x'],
    // The PostgreSQL client waits for these for ever.
    ...['postgres://localhost/x?port=abc', 'postgres://localhost/x?port=99999999'],
  ],
  QUEUE_PREFIX: ['a b', 'a:b', '{x}', 'x'.repeat(65)],
  REDIS_URL: [
    ...['localhost', 'http://localhost:6379', 'redi://localhost'],
    // The Redis client ends the process over these.
    ...[
      'redis://localhost/main',
      'redis://localhost/0/1',
      'redis://:50%off@localhost',
      'redis://%ff@localhost',
    ],
    ...['redis+sentinel://host:26379', 'redis+sentinel://a,:1/main', 'redis+sentinel://a/main/x'],
    ...['redis+sentinel://a/main?tls=true', 'redis+sentinel://u:p@w@a/main', 'redis+sentinel://a/%ff'],
  ],
  HTTPS_PROXY: ['proxy:3128', 'socks5://proxy', 'http://%ff@proxy'],
  HTTP_PROXY: ['proxy'],
  CRYPTORACLE_BASE_URL: [
    ...['service.cryptoracle.network', 'ftp://service.cryptoracle.network', 'https://'],
    ...['https://user:password@host/openapi', 'https://host/openapi?key=x', 'https://host/#'],
  ],
  CRYPTORACLE_API_VERSION: ['v1/../v2', 'v 1', '/v1', 'v1?', 'v9', 'V1', '2.1'],
  CRYPTORACLE_DATA_SECRET: ['too-short', 'seventeen-bytes-!', 'schlüssel-16byte'],
  CRYPTORACLE_DATA_IV: ['too-short', 'seventeen-bytes-!'],
  CRYPTORACLE_WIRE: [
    '{',
    'hex',
    '[]',
    'null',
    '7',
    '"hex"',
    '{"cyphertext":"hex"}',
    '{"ciphertext":"Hex"}',
    '{"payload":"sign"}',
    '{"payload":""}',
    '{"timestamp":true}',
    '{"signed":"all"}',
  ],
  GRANULARITIES: ['2h', '15m,1w', '1H', ',', '15m;1h'],
  TOKENS: [',', 'BTC;E TH', 'x'.repeat(41)],
  EXTRA_TOKENS: ['all', 'A IN', 'x'.repeat(41)],
  METRICS: ['CO-A-99-99', 'mention_count,nonsense', ',', 'CO-B-01-01'],
  TAGS: ['CO-B-99-99', 'ecosystem,nonsense', ', ,', 'mention_count'],
  HISTORY_START: ['2025-02-30', 'yesterday', '1735660800000', '2025-01-01T00:00:00Z'],
  SETTLE_DELAY: ['15', 'm', '15 m', '-15m', '1w', '15M', `${'9'.repeat(400)}d`, '1000000000d', '367d'],
  LOOKBACK_WINDOWS: ['-1', '1.5', 'four', '1001', 'NaN'],
  KEEP_15M: ['180', '0d', '23h', '-5d', 'forever', '36601d', '6 months'],
  KEEP_1D: ['1y'],
  KEEP_REQUESTS: ['0d', 'all'],
  REFETCH_DROPPED: ['yes', '1', 'ON'],
  RECORD_LIMIT: ['0', '-5', '2000.5', '20001', 'Infinity', '2,000'],
  DAY_START: ['8:00', '16:00'],
  RECORD_UNIT: ['values', 'VALUE', 'cell'],
  FETCH_CONCURRENCY: ['0', '65', 'many'],
  REQUESTS_PER_SECOND: ['0', '-1', '1/s', '10001', 'Infinity'],
  HTTP_PORT: ['-1', '65536', 'http', '80.5'],
  HTTP_TOKEN: ['short', '1234567', 'has a blank in it', ' ahead-of-it', 'schlüsselwort', 'ends-with-nul\0'],
  LOG_LEVEL: ['verbose', 'INFO', 'none'],
};

/** Settings that a message names as wrong. */
function namedIn(message: string): string[] {
  return settingNames.filter((name) => new RegExp(`(?:^|; )${name}(?: \\([^)]*\\))?: `).test(message));
}

describe('settings', () => {
  it('have defaults that need no environment at all', () => {
    expect(parseSettings({})).toEqual({
      given: new Set(),
      databaseUrl: undefined,
      redisUrl: undefined,
      dataDir: '.data',
      baseUrl: 'https://service.cryptoracle.network/openapi',
      apiVersion: 'v2.1',
      proxy: {},
      credentials: {},
      wire: defaultWireProfile,
      catalogueFile: undefined,
      catalogue: bundledCatalogue.speaking('v2.1'),
      granularities,
      tokens: 'all',
      extraTokens: [],
      metrics: metricCodes,
      tags: tagCodes,
      historyStart: Date.parse('2025-01-01T00:00:00+08:00'),
      keep: {},
      keepNotes: {
        requests: 400 * 86_400_000,
        revisions: 1830 * 86_400_000,
        quarantine: 400 * 86_400_000,
        quality_notes: 400 * 86_400_000,
        events: 1830 * 86_400_000,
      },
      refetchDropped: false,
      settleDelay: 900_000,
      lookbackWindows: expect.any(Number),
      auditRequestsPerDay: 10,
      recordLimit: 2000,
      recordUnit: 'value',
      dayStart: 'auto',
      fetchConcurrency: expect.any(Number),
      requestsPerSecond: 1,
      httpHost: '127.0.0.1',
      httpPort: 8080,
      httpToken: undefined,
      logLevel: 'info',
    });
  });

  it.each([
    [{}, 'v2.1'],
    [{ CRYPTORACLE_API_KEY: 'cryptoracle' }, 'v2.1'],
    [credentials, 'v1'],
    // Half of what v1 needs: v1 is meant, and the rest is told to be missing.
    [{ CRYPTORACLE_DATA_IV: 'cryptoracletest3' }, 'v1'],
    [{ ...credentials, CRYPTORACLE_API_VERSION: 'v2' }, 'v2'],
  ])('tell the version of the API from what is given: %j', (environment, version) => {
    expect(parseSettings(environment).apiVersion).toBe(version);
  });

  it('take proxies in small letters, too, as other programs do', () => {
    const small = parseSettings({ https_proxy: 'http://small:1', no_proxy: 'a', HTTPS_PROXY: '' });
    expect(small.proxy).toEqual({ no: 'a' });
    expect(parseSettings({ https_proxy: 'http://small:1' }).proxy).toEqual({ https: 'http://small:1' });
    const both = parseSettings({ https_proxy: 'http://small:1', HTTPS_PROXY: 'http://large:1' });
    expect(both.proxy).toEqual({ https: 'http://large:1' });
  });

  it('refuse a limit that a tag sent always would use up', () => {
    const wire = '{"tags":"one"}';
    expect(() => parseSettings({ RECORD_LIMIT: '1', CRYPTORACLE_WIRE: wire })).toThrow(/^RECORD_LIMIT: /);
    expect(parseSettings({ RECORD_LIMIT: '2', CRYPTORACLE_WIRE: wire }).recordLimit).toBe(2);
  });

  it('are taken from the environment, each in its own form', () => {
    const settings = parseSettings({
      ...credentials,
      DATABASE_URL: 'postgresql://user:password@db:5432/cryptoracle',
      REDIS_URL: 'rediss://cache:6379/0',
      DATA_DIR: '/var/lib/cryptoracle',
      CRYPTORACLE_BASE_URL: 'http://127.0.0.1:9999/openapi//',
      CRYPTORACLE_API_VERSION: 'v2.1',
      CRYPTORACLE_WIRE: '{"ciphertext":"hex","tags":"one"}',
      HISTORY_START: '2025-06-01 12:30',
      SETTLE_DELAY: '1.5h',
      LOOKBACK_WINDOWS: '0',
      KEEP_15M: '180d',
      KEEP_REVISIONS: '3660d',
      REFETCH_DROPPED: 'on',
      RECORD_LIMIT: '2',
      RECORD_UNIT: 'row',
      DAY_START: '08:00',
      FETCH_CONCURRENCY: '64',
      REQUESTS_PER_SECOND: '0.25',
      HTTP_HOST: '::',
      HTTP_PORT: '0',
      HTTP_TOKEN: 'a-long-enough-one',
      LOG_LEVEL: 'silent',
      UNRELATED: 'is left alone',
    });
    expect(settings).toMatchObject({
      keep: { '15m': 180 * 86_400_000 },
      keepNotes: { revisions: 3660 * 86_400_000 },
      refetchDropped: true,
      databaseUrl: 'postgresql://user:password@db:5432/cryptoracle',
      redisUrl: 'rediss://cache:6379/0',
      dataDir: '/var/lib/cryptoracle',
      baseUrl: 'http://127.0.0.1:9999/openapi',
      apiVersion: 'v2.1',
      wire: { ...defaultWireProfile, ciphertext: 'hex', tags: 'one' },
      historyStart: Date.parse('2025-06-01T04:30:00Z'),
      settleDelay: 5_400_000,
      lookbackWindows: 0,
      recordLimit: 2,
      recordUnit: 'row',
      dayStart: '08:00',
      fetchConcurrency: 64,
      requestsPerSecond: 0.25,
      httpHost: '::',
      httpPort: 0,
      httpToken: 'a-long-enough-one',
      logLevel: 'silent',
    });
    expect(requireCredentials(settings)).toEqual({
      apiKey: 'cryptoracle',
      signSecret: 'cryptoracletest1',
      dataSecret: 'cryptoracletest2',
      dataIv: 'cryptoracletest3',
    });
  });

  it.each(settingNames)('count %s as not set where it is empty or blank', (name) => {
    for (const empty of ['', '  ', undefined])
      expect(parseSettings({ [name]: empty })).toEqual(parseSettings({}));
  });

  it.each(Object.entries(wrongValues))(
    'name %s, and nothing else, where its value is wrong',
    (name, values) => {
      for (const value of values)
        expect([value, namedIn(problemOf({ [name]: value }))]).toEqual([value, [name]]);
    },
  );

  it('name all that are wrong in one error', () => {
    const wrong = Object.fromEntries(Object.entries(wrongValues).map(([name, [first]]) => [name, first]));
    expect(namedIn(problemOf(wrong)).sort()).toEqual(Object.keys(wrongValues).sort());
    expect(problemOf({ HTTP_PORT: 'x', LOG_LEVEL: 'loud', DATA_DIR: 'fine' })).toMatch(
      /HTTP_PORT: .*; LOG_LEVEL: .* \(see \.env\.example\)$/,
    );
  });

  it('are read in no time, however many slashes an address has', () => {
    const path = `${'/'.repeat(100_000)}x`;
    for (const slashes of [path, `${path}${'/'.repeat(100_000)}`]) {
      const { baseUrl } = expectQuick(() => parseSettings({ CRYPTORACLE_BASE_URL: `http://host${slashes}` }));
      expect(baseUrl).toBe(`http://host${path}`);
    }
  });

  it('say which part of the wire profile is wrong', () => {
    expect(problemOf({ CRYPTORACLE_WIRE: '{"ciphertext":"rot13"}' })).toContain(
      'CRYPTORACLE_WIRE (ciphertext): ',
    );
    expect(problemOf({ CRYPTORACLE_WIRE: '{"colour":"red"}' })).toContain('"colour"');
  });

  it('require the credentials that the version of the API needs, and name the ones that are missing', () => {
    const message = (environment: Environment) => {
      try {
        requireCredentials(parseSettings(environment));
      } catch (error) {
        if (error instanceof UserError) return error.message;
        throw error;
      }
      return 'all there';
    };
    expect(message(credentials)).toBe('all there');
    for (const name of Object.keys(credentials)) {
      expect(message({ ...credentials, [name]: '' })).toMatch(new RegExp(`^not set: ${name}\\.`));
    }
    expect(message({})).toMatch(/^not set: CRYPTORACLE_API_KEY\. Version v2\.1 /);
    const v1 = { CRYPTORACLE_API_VERSION: 'v1' };
    expect(message(v1)).toContain(Object.keys(credentials).join(', '));
    const key = { CRYPTORACLE_API_KEY: 'cryptoracle' };
    for (const CRYPTORACLE_API_VERSION of ['', 'v2', 'v2.1'])
      expect(message({ ...key, CRYPTORACLE_API_VERSION })).toBe('all there');
    expect(message({ ...key, ...v1 })).not.toContain('CRYPTORACLE_API_KEY');
    const plain = { CRYPTORACLE_WIRE: '{"ciphertext":"none","sign":"none"}' };
    expect(message({ ...key, ...v1, ...plain })).toBe('all there');
    const [, ...someOf] = Object.entries(credentials);
    expect(hasCredentials(parseSettings(credentials))).toBe(true);
    expect(hasCredentials(parseSettings(Object.fromEntries(someOf)))).toBe(false);
  });
});

describe('lists', () => {
  it('take codes and names in any case, with blanks, each once and in the order given', () => {
    const settings = parseSettings({
      GRANULARITIES: ' 1d, 15m ,1d,',
      TOKENS: 'ETH, BTC,,ETH',
      METRICS: 'Net_Sentiment, co-a-01-05,mention_count',
      TAGS: 'ECOSYSTEM,CO-B-01-01',
    });
    expect(settings).toMatchObject({
      granularities: ['1d', '15m'],
      tokens: ['ETH', 'BTC'],
      metrics: ['CO-A-02-03', 'CO-A-01-05'],
      tags: ['CO-B-01-04', 'CO-B-01-01'],
    });
  });

  it.each(['all', 'ALL', ' All '])('take %j for everything', (all) => {
    const chosen = { GRANULARITIES: all, TOKENS: all, METRICS: all, TAGS: all };
    const settings = parseSettings(chosen);
    expect(settings).toEqual({ ...parseSettings({}), given: new Set(Object.keys(chosen)) });
  });

  it('name each item that is unknown', () => {
    const message = problemOf({ METRICS: 'mention_count,nonsense,CO-A-99-99' });
    expect(message).toContain("'nonsense'");
    expect(message).toContain("'CO-A-99-99'");
    expect(message).not.toContain("'mention_count'");
  });
});

describe('a variable that nobody reads', () => {
  const others = [
    'PATH',
    'HOME',
    'LANG',
    'TZ',
    'HTTP_PROXY',
    'HTTPS_PROXY',
    'NO_PROXY',
    'NODE_OPTIONS',
    'PGHOST',
    'LOGNAME',
  ];

  it.each([
    ['REQUEST_PER_SECOND', 'REQUESTS_PER_SECOND'],
    ['REQUESTS_PER_SEC0ND', 'REQUESTS_PER_SECOND'],
    ['TOKEN', 'TOKENS'],
    ['GRANULARITY', undefined],
    ['settle_delay', 'SETTLE_DELAY'],
    ['CRYPTORACLE_APIKEY', 'CRYPTORACLE_API_KEY'],
    ['CRYPTORACLE_TOKENS', 'TOKENS'],
    ['HTTP_TOKEN_FILES', 'HTTP_TOKEN_FILE'],
    ['CRYPTORACLE_COLOUR', undefined],
  ])('%s is told, with the near name %s', (name, near) => {
    const isTold = near !== undefined || name.startsWith('CRYPTORACLE_');
    expect(unreadSettings([...others, name])).toEqual(isTold ? [{ name, near }] : []);
  });

  it('may be one that is needed no more, and then says why', () => {
    const [unread] = unreadSettings(['RANGE_END']);
    expect(unread && describeUnread(unread)).toContain('RANGE_END is no longer needed');
  });

  it('is not one that is read, nor one of another program', () => {
    expect(unreadSettings([...settingNames, ...others, 'HTTP_TOKEN_FILE', 'API_KEY', 'BASE_URL'])).toEqual(
      [],
    );
  });
});
