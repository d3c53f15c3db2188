import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openBrowser } from '../test/web/browser.ts';

/**
 * Takes the pictures of README and docs from a page that is running, e.g. the demo's:
 * `npm run screenshots -- http://127.0.0.1:8080`. Needs Chromium (see test/web/browser.ts).
 */

const folder = fileURLToPath(new URL('../docs/screenshots', import.meta.url));

const views = ['now', 'coverage', 'explorer', 'backfills', 'trouble'];

async function take(address: string): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const browser = await openBrowser();
  const page = await browser.newPage({ viewport: { width: 1180, height: 760 } });
  for (const view of views) {
    await page.goto(`${address}/#/${view}`);
    await page.waitForSelector('main .card, main .map, main .empty');
    // Charts and maps are drawn in the frame after their data came.
    await page.waitForTimeout(2500);
    await page.screenshot({ path: join(folder, `${view}.png`) });
  }
  await browser.close();
}

await take(process.argv[2] ?? 'http://127.0.0.1:8080');
