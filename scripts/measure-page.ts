import { once } from 'node:events';
import { createServer } from 'node:http';
import type { Browser, Page } from 'playwright-core';
import { z } from 'zod';
import { openBrowser } from '../test/web/browser.ts';

/**
 * Measures the page of a program that is running, e.g. the demo's: `npm run measure:page -- http://127.0.0.1:8080`. Prints
 * the rows of the table in docs/page.md. Needs Chromium (see test/web/browser.ts).
 */

const rounds = 7;

const median = (numbers: readonly number[]) =>
  numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN;

/** A page with nothing on it but what the stopwatch looks for: what a browser takes by itself. */
async function serveEmptyPage() {
  const server = createServer((_, response) => {
    response.setHeader('content-type', 'text/html').end('<!doctype html><p class="verdict">nothing</p>');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  return { url: `http://127.0.0.1:${port}`, close: () => server.close() };
}

/** Notes when the sentence on top and, where there are any, the cards of the granularities are laid out and painted. */
const stopwatch = `
  new MutationObserver((_, observer) => {
    if (document.querySelector('.verdict') === null) return;
    if (document.getElementById('page') !== null && document.querySelectorAll('.card').length < 4) return;
    observer.disconnect();
    // The frame's layout and paint come between its callbacks and the next task.
    requestAnimationFrame(() => setTimeout(() => { window.firstView = performance.now(); }));
  }).observe(document, { childList: true, subtree: true });`;

/** Milliseconds from the click to the first view, and bytes on the wire until then, with nothing in the browser's cache. */
async function measureFirstView(browser: Browser, address: string) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
  const page = await context.newPage();
  await page.addInitScript(stopwatch);
  await page.goto(address);
  await page.evaluate(
    `new Promise((done) => {
    const look = () => (window.firstView === undefined ? setTimeout(look, 20) : done());
    look();
  })`,
  );
  const found = await page.evaluate(`({
    milliseconds: window.firstView,
    bytes: [...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')]
      .reduce((sum, { transferSize }) => sum + transferSize, 0),
  })`);
  await context.close();
  return z.object({ milliseconds: z.number(), bytes: z.number() }).parse(found);
}

const tokens = 200;
const days = 730;

/** A map of two years and 200 tokens in which no two neighbours are alike, so that nothing about it is easy to draw. */
function largeMap() {
  const letters = '#spmfqneb';
  const cells = (row: number) =>
    Array.from({ length: days }, (_, column) => letters[(row * 7 + column * 5) % letters.length]).join('');
  return {
    ...{ granularity: '1h', from: '2024-11-25T16:00:00.000Z', step: 86_400_000, columns: days },
    legend: {
      ...{ '#': 'filled', s: 'sparse', p: 'partly', m: 'missing', f: 'failed', q: 'quarantined' },
      ...{ n: 'not entitled', e: 'empty', b: 'before history', '.': 'none' },
    },
    rows: Array.from({ length: tokens }, (_, row) => ({ token: `TOKEN${row}`, cells: cells(row) })),
  };
}

/** Milliseconds between frames, and of work within each, while the map is dragged and zoomed. */
async function measureFrames(page: Page, address: string) {
  await page.route('**/api/v1/coverage*', (route) => route.fulfill({ json: largeMap() }));
  await page.goto(`${address}/#/coverage?from=2024-11-26&to=2026-11-26`);
  const canvas = page.locator('.map canvas');
  await canvas.waitFor();
  await canvas.hover({ position: { x: 400, y: 200 } });
  for (let turn = 0; turn < 6; turn++) await page.mouse.wheel(0, -120);
  const frames = await page.evaluate(`new Promise((done) => {
    const canvas = document.querySelector('.map canvas');
    const at = (x, y) => ({ bubbles: true, pointerId: 1, clientX: x, clientY: y });
    const { left, top } = canvas.getBoundingClientRect();
    canvas.setPointerCapture = () => {};
    canvas.dispatchEvent(new PointerEvent('pointerdown', at(left + 300, top + 200)));
    const between = [], work = [];
    let last = performance.now();
    const step = (now) => {
      between.push(now - last);
      last = now;
      const began = performance.now();
      const turn = between.length;
      canvas.dispatchEvent(new PointerEvent('pointermove', at(left + 300 + 200 * Math.sin(turn / 9), top + 200 + 80 * Math.cos(turn / 7))));
      // The page draws in a frame of its own, right after this one's callbacks.
      requestAnimationFrame(() => {
        work.push(performance.now() - began);
        if (turn < 180) step(performance.now());
        else done({ between: between.slice(10), work: work.slice(10) });
      });
    };
    requestAnimationFrame(step);
  })`);
  return z.object({ between: z.array(z.number()), work: z.array(z.number()) }).parse(frames);
}

async function measure(address: string): Promise<void> {
  const browser = await openBrowser();
  const empty = await serveEmptyPage();
  const views: { readonly milliseconds: number; readonly bytes: number }[] = [];
  const yardstick: number[] = [];
  // In turns, so that what else the machine does falls on both alike.
  for (let round = 0; round < rounds; round++) {
    yardstick.push((await measureFirstView(browser, empty.url)).milliseconds);
    views.push(await measureFirstView(browser, address));
  }
  empty.close();
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
  const { between } = await measureFrames(page, address);
  await browser.close();
  const slow = between.toSorted((a, b) => a - b)[Math.floor(between.length * 0.95)] ?? Number.NaN;
  const times = views.map((view) => view.milliseconds);
  const range = (numbers: readonly number[]) =>
    `${median(numbers).toFixed(0)} ms (${Math.min(...numbers).toFixed(0)} to ${Math.max(...numbers).toFixed(0)})`;
  const rows = [
    ['first view, from the click to the verdict and the cards', range(times)],
    ['an empty page in the same browser', range(yardstick)],
    ['on the wire until then', `${(median(views.map((view) => view.bytes)) / 1000).toFixed(1)} kB`],
    [`a frame while ${tokens} tokens × ${days} days are dragged`, `${median(between).toFixed(1)} ms`],
    ['the slowest 5 % of these frames take at least', `${slow.toFixed(1)} ms`],
  ];
  process.stdout.write(rows.map((row) => `| ${row.join(' | ')} |\n`).join(''));
}

await measure(process.argv[2] ?? 'http://127.0.0.1:8080');
