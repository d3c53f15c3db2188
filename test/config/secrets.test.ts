import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseSettings } from '../../src/config.ts';
import { UserError } from '../../src/errors.ts';

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
