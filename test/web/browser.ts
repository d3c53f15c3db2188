import { existsSync } from 'node:fs';
import { type Browser, chromium } from 'playwright-core';

/** A headless Chromium: CHROMIUM, or Debian's. Suites that need one are skipped without, unless REQUIRE_CHROMIUM=1. */

const path = [process.env.CHROMIUM, '/usr/bin/chromium', '/usr/bin/google-chrome'].find(
  (each) => each !== undefined && each !== '' && existsSync(each),
);

if (path === undefined && process.env.REQUIRE_CHROMIUM === '1') {
  throw new Error('REQUIRE_CHROMIUM=1, but neither CHROMIUM nor /usr/bin/chromium is there');
}

export const hasBrowser = path !== undefined;

export function openBrowser(): Promise<Browser> {
  // Within a container there is neither a user namespace nor much shared memory.
  return chromium.launch({
    executablePath: path ?? '',
    args: ['--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu'],
  });
}
