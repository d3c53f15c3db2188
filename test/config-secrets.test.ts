import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseSettings } from '../src/config.ts';
import { UserError } from '../src/errors.ts';

/** What is wrong with the settings. */
function problemOf(environment: Record<string, string>): string {
  try {
    parseSettings(environment);
  } catch (error) {
    if (error instanceof UserError) return error.message;
    throw error;
  }
  throw new Error(`nothing is wrong with ${JSON.stringify(environment)}`);
}

describe('secrets', () => {
  let directory = '';
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'settings-'));
  });
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  function file(name: string, content: string): string {
    const path = join(directory, name);
    writeFileSync(path, content);
    return path;
  }

  const given = {
    CRYPTORACLE_API_KEY: 'cryptoracle',
    CRYPTORACLE_SIGN_SECRET: 'cryptoracletest1',
    CRYPTORACLE_DATA_SECRET: 'cryptoracletest2',
    CRYPTORACLE_DATA_IV: 'cryptoracletest3',
    DATABASE_URL: 'postgres://user:hunter22@db/x',
    REDIS_URL: 'redis://:hunter22@cache',
    HTTP_TOKEN: 'hunter22hunter22',
  };

  it('may each stand in a file, without the blanks around them', () => {
    const files = Object.entries(given).map(([name, value]) => [`${name}_FILE`, file(name, `\n${value} \n`)]);
    expect(parseSettings(Object.fromEntries(files))).toEqual(parseSettings(given));
  });

  it('in the environment come before those in files', () => {
    const path = file('other', 'another-api-key');
    const settings = parseSettings({
      CRYPTORACLE_API_KEY: 'from the environment',
      CRYPTORACLE_API_KEY_FILE: path,
    });
    expect(settings.credentials.apiKey).toBe('from the environment');
    expect(parseSettings({ CRYPTORACLE_API_KEY_FILE: path }).credentials.apiKey).toBe('another-api-key');
  });

  it('in an empty file are not set', () => {
    const path = file('empty', ' \n');
    const names = Object.keys(given).map((name) => [`${name}_FILE`, path]);
    expect(parseSettings(Object.fromEntries(names))).toEqual(parseSettings({}));
    expect(parseSettings({ HTTP_TOKEN_FILE: '' })).toEqual(parseSettings({}));
  });

  it('in a file that cannot be read are the user’s mistake', () => {
    for (const path of [join(directory, 'nowhere'), directory]) {
      const message = problemOf({ CRYPTORACLE_DATA_IV_FILE: path });
      expect(message).toContain('CRYPTORACLE_DATA_IV_FILE: ');
      expect(message).toContain(path);
    }
  });

  it.each([
    ['DATABASE_URL', 'mysql://user:hunter22@db/x'],
    ['DATABASE_URL', 'hunter22'],
    ['REDIS_URL', 'tcp://:hunter22@cache'],
    ['CRYPTORACLE_DATA_SECRET', 'hunter22'],
    ['CRYPTORACLE_DATA_IV', 'hunter22-hunter22'],
    ['HTTP_TOKEN', 'hunter2'],
  ])('are not repeated where %s is wrong, wherever it stands', (name, value) => {
    for (const environment of [{ [name]: value }, { [`${name}_FILE`]: file('wrong', value) }]) {
      const message = problemOf(environment);
      expect(message).toMatch(new RegExp(`^${name}: `));
      expect(message).not.toContain('hunter2');
    }
  });
});

describe('any environment', () => {
  const character = fc.constantFrom(...'aZ09 ,:;-+._/\'"{}[]\\\0\n\u00e9\u6bd4\ud800\u{1f680}');
  const name = fc.constantFrom(
    'DATA_DIR',
    'CRYPTORACLE_BASE_URL',
    'CRYPTORACLE_API_VERSION',
    'CRYPTORACLE_WIRE',
    'GRANULARITIES',
    'TOKENS',
    'METRICS',
    'TAGS',
    'HISTORY_START',
    'SETTLE_DELAY',
    'LOOKBACK_WINDOWS',
    'RECORD_LIMIT',
    'RECORD_UNIT',
    'RANGE_END',
    'FETCH_CONCURRENCY',
    'REQUESTS_PER_SECOND',
    'HTTP_HOST',
    'HTTP_PORT',
    'LOG_LEVEL',
    'HTTP_TOKEN_FILE',
    'CRYPTORACLE_API_KEY_FILE',
  );
  const value = fc.oneof(
    fc.string({ unit: character, maxLength: 30 }),
    fc.json({ maxDepth: 2 }),
    fc.webUrl(),
    fc.double().map(String),
    fc.constantFrom(
      '15m',
      '1h,1d',
      'all',
      '9e99d',
      '2025-02-30',
      '-1',
      '0',
      '{"payload":7}',
      '99999999999999999d',
    ),
  );

  // Long enough and like nothing else, so that it would be seen in a message.
  const secret = fc.string({ unit: character, maxLength: 20 }).map((text) => `S3CRET-${text}`);
  const secretName = fc.constantFrom(
    'DATABASE_URL',
    'REDIS_URL',
    'CRYPTORACLE_API_KEY',
    'CRYPTORACLE_SIGN_SECRET',
    'CRYPTORACLE_DATA_SECRET',
    'CRYPTORACLE_DATA_IV',
    'HTTP_TOKEN',
  );
  const environments = fc
    .tuple(fc.dictionary(name, value, { maxKeys: 6 }), fc.dictionary(secretName, secret, { maxKeys: 3 }))
    .map(([settings, secrets]) => ({ ...settings, ...secrets }));

  it('gives settings or tells the user what is wrong, and never repeats a secret', () => {
    fc.assert(
      fc.property(environments, (environment) => {
        let message = '';
        try {
          const settings = parseSettings(environment);
          expect(Number.isFinite(settings.settleDelay) && Number.isFinite(settings.historyStart)).toBe(true);
          expect(settings.recordLimit >= 1 && settings.fetchConcurrency >= 1).toBe(true);
        } catch (error) {
          if (!(error instanceof UserError)) throw error;
          message = error.message;
        }
        expect(message).not.toContain('S3CRET-');
      }),
      { numRuns: 800 },
    );
  });
});
