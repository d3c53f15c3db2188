import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { expect, it } from 'vitest';
import { parseSettings } from '../src/config.ts';

const loader = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;
const logger = new URL('../src/logger.ts', import.meta.url).href;

it('blots out every secret that it is handed, at a terminal and elsewhere', () => {
  const secret = 'S3CRET-S3CRET-16';
  const settings = parseSettings({
    DATABASE_URL: `postgresql://user:${secret}@db/x`,
    REDIS_URL: `redis://:${secret}@cache`,
    CRYPTORACLE_API_KEY: secret,
    CRYPTORACLE_SIGN_SECRET: secret,
    CRYPTORACLE_DATA_SECRET: secret,
    CRYPTORACLE_DATA_IV: secret,
    HTTP_TOKEN: secret,
    HTTPS_PROXY: `http://user:${secret}@proxy:3128`,
  });
  const handed = [
    settings,
    settings.credentials,
    { authorization: secret, headers: { authorization: secret } },
  ];
  const script = `
    const { createLogger } = await import(${JSON.stringify(logger)});
    for (const isTerminal of [true, false]) {
      const log = createLogger('info', isTerminal);
      for (const each of ${JSON.stringify(handed)}) log.info(each, isTerminal ? 'handed at a terminal' : 'handed over');
    }`;
  const { stdout, stderr } = spawnSync(
    process.execPath,
    ['--import', loader, '--input-type=module', '--eval', script],
    { encoding: 'utf8' },
  );
  expect(stdout).toBe('');
  expect(stderr.match(/handed at a terminal/g)).toHaveLength(3);
  expect(stderr.match(/handed over/g)).toHaveLength(3);
  expect(stderr.match(/\[redacted\]/g)).toHaveLength(2 * 14);
  expect(stderr).not.toContain(secret);
});
