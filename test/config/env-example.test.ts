import { readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';
import { describe, expect, it } from 'vitest';
import { apiVersions } from '../../src/catalog/index.ts';
import { parseSettings, settingNames } from '../../src/config.ts';

const text = readFileSync(new URL('../../.env.example', import.meta.url), 'utf8');

/** The same with every setting that stands behind a `#` in force. */
const uncommented = text.replaceAll(/^#(?=[A-Z][A-Z0-9_]*=)/gm, '');

describe('.env.example', () => {
  it('names every setting once, and nothing else', () => {
    const names = [...text.matchAll(/^\s*#?\s*([A-Z][A-Z0-9_]*)\s*=/gm)].map((match) => match[1]);
    expect(names.toSorted()).toEqual(settingNames.toSorted());
    expect(Object.keys(parseEnv(uncommented)).toSorted()).toEqual(settingNames.toSorted());
  });

  it('shows the defaults: with every line in force, nothing changes', () => {
    expect({ ...parseSettings(parseEnv(uncommented)), given: null }).toEqual({
      ...parseSettings({}),
      given: null,
    });
  });

  it('names every version of the API', () => {
    const [, listed = ''] = /^# (v1.+)\. Not set: .*\n#CRYPTORACLE_API_VERSION=/m.exec(text) ?? [];
    expect(listed.split(/, | or /)).toEqual(apiVersions);
  });

  it('can be copied as it is, and leaves only the credentials to fill in', () => {
    const asItIs = parseEnv(text);
    expect(Object.keys(asItIs).toSorted()).toEqual([
      'CRYPTORACLE_API_KEY',
      'CRYPTORACLE_DATA_IV',
      'CRYPTORACLE_DATA_SECRET',
      'CRYPTORACLE_SIGN_SECRET',
    ]);
    expect(parseSettings(asItIs)).toEqual(parseSettings({}));
  });

  it('holds no secret', () => {
    const given = Object.entries(parseEnv(uncommented)).filter(([name]) =>
      /KEY|SECRET|_IV|TOKEN$|_URL$/.test(name),
    );
    const filled = given.filter(([, value]) => value !== '').map(([name]) => name);
    expect(filled).toEqual(['CRYPTORACLE_BASE_URL']);
  });

  it('gives examples that are accepted', () => {
    const examples = {
      DATABASE_URL: 'postgresql://user:password@host:5432/name',
      REDIS_URL: 'redis://user:password@host:6379/0',
      TOKENS: 'BTC,ETH',
      GRANULARITIES: '15m, 1h, 4h, 1d',
    };
    for (const example of Object.values(examples)) expect(text).toContain(example);
    for (const delay of ['90s', '15m', '2h']) {
      expect(text).toContain(delay);
      expect(parseSettings({ ...examples, SETTLE_DELAY: delay }).settleDelay).toBeGreaterThan(0);
    }
  });
});
