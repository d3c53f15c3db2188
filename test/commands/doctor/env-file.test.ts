import { parseEnv } from 'node:util';
import { expect, it } from 'vitest';
import { withSettings } from '../../../src/commands/doctor/env-file.ts';

const settings = { CRYPTORACLE_API_VERSION: 'v1', CRYPTORACLE_WIRE: '{"sign":"HEX"}', RECORD_LIMIT: '2000' };

it('settings are added to an empty file, and read back as they were', () => {
  expect(parseEnv(withSettings('', settings))).toEqual(settings);
});

it('a line that is there is replaced where it stands, and everything else is kept', () => {
  const before = [
    '# mine',
    '#RECORD_LIMIT=5',
    'CRYPTORACLE_API_KEY=abc # the key',
    '',
    '  export CRYPTORACLE_API_VERSION = v2',
    "TOKENS='BTC,ETH'",
    'CRYPTORACLE_API_VERSION=v2.1',
  ].join('\n');
  expect(withSettings(before, settings).split('\n')).toEqual([
    '# mine',
    '#RECORD_LIMIT=5',
    'CRYPTORACLE_API_KEY=abc # the key',
    '',
    'CRYPTORACLE_API_VERSION=v1',
    "TOKENS='BTC,ETH'",
    `CRYPTORACLE_WIRE='{"sign":"HEX"}'`,
    'RECORD_LIMIT=2000',
    '',
  ]);
});

it('twice is as once', () => {
  const once = withSettings('A=1\n', settings);
  expect(withSettings(once, settings)).toBe(once);
});
