import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { hasBrowser, openBrowser } from './browser.ts';
import { startWorld, type World } from './world.ts';

/** The page as people use it: in a browser, on a pipeline that runs against the simulator. */

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

describe.skipIf(!hasBrowser)('the page', () => {
  let world: World;
  let browser: Browser;
  let page: Page;
  const complaints: string[] = [];

  beforeAll(async () => {
    [world, browser] = await Promise.all([startWorld(), openBrowser()]);
    const context = await browser.newContext({
      viewport: { width: 1280, height: 800 },
      timezoneId: 'Europe/Berlin',
    });
    page = await context.newPage();
    page.setDefaultTimeout(60_000);
    page.on('pageerror', (error) => complaints.push(`script: ${error.message}`));
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) complaints.push(message.text());
    });
  });
  afterAll(async () => {
    await browser?.close();
    await world?.stop();
  });
  afterEach(() => {
    expect(complaints.splice(0)).toEqual([]);
  });

  const show = (view: string) => page.goto(`${world.url}/#/${view}`);

  /** What axe finds that keeps somebody from using the page. */
  async function barriers(): Promise<string[]> {
    // As a debugger, not as a script of the page, which the content policy would refuse.
    await page.evaluate(axe);
    const found = z
      .object({
        violations: z.array(
          z.object({
            id: z.string(),
            impact: z.string().nullable(),
            nodes: z.array(z.object({ html: z.string() })),
          }),
        ),
      })
      .parse(await page.evaluate('axe.run(document, { resultTypes: ["violations"] })'));
    return found.violations
      .filter(({ impact }) => impact === 'serious' || impact === 'critical')
      .map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`);
  }

  it('lets in whoever has a token, and nobody else', async () => {
    await page.goto(world.url);
    expect(new URL(page.url()).pathname).toBe('/sign-in');
    expect(await barriers()).toEqual([]);
    await page.getByLabel('Token').fill('not-the-right-one');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByText('This token opens nothing here.').waitFor();
    await page.getByLabel('Token').fill(world.writeToken);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.locator('.verdict').waitFor();
    const [cookie] = await page.context().cookies();
    expect(cookie).toMatchObject({ httpOnly: true, sameSite: 'Strict' });
    expect(cookie?.value).not.toContain(world.writeToken);
  });

  it('says that all is well, with the newest window of each granularity', async () => {
    await page.locator('.verdict.well, .verdict.busy').waitFor();
    const card = page.getByRole('region', { name: 'Windows of 1h' });
    expect(await card.innerText()).toMatch(/up to date[\s\S]*2 of 2 tokens[\s\S]*here\)/);
    // All that came over the wire for the first view, answers of the API included.
    const bytes = () =>
      page.evaluate<number>(
        `[...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')]
          .reduce((sum, { transferSize }) => sum + transferSize, 0)`,
      );
    // The script comes once the first view is on the screen.
    await expect.poll(bytes).toBeGreaterThan(20_000);
    expect(await bytes()).toBeLessThan(150_000);
    expect(await barriers()).toEqual([]);
  });

  it('raises the alarm while the API refuses, says what to do, and takes it back when that is over', async () => {
    world.simulator.refuseEndpoint('endpoint');
    await world.pipeline.planner.planNewest('1h', true);
    const verdict = page.locator('.verdict');
    await page.locator('.verdict.bad').waitFor();
    expect(await verdict.innerText()).toMatch(
      /^Access refused[\s\S]*whitelist[\s\S]*Since[\s\S]*Asked again/,
    );
    world.simulator.allowEndpoint('endpoint');
    await world.pipeline.planner.planNewest('1h', true);
    await page.locator('.verdict.well, .verdict.busy').waitFor();
  });

  it('prices, places, pauses and finishes a backfill', { timeout: 180_000 }, async () => {
    // So slow that it is not done before a browser on a busy machine has paused it.
    world.simulator.setFaults({ slow: { probability: 1, milliseconds: 4000 } });
    await show('backfills');
    await page.getByLabel('From (Beijing)').fill('2026-01-01');
    await page.getByLabel('To, not included').fill('2026-02-01');
    await page.getByLabel('1d', { exact: true }).uncheck();
    await page.getByLabel('1h', { exact: true }).check();
    await page.getByRole('button', { name: 'What would it take?' }).click();
    await page.getByRole('button', { name: 'Place backfill' }).click();
    const card = page.getByRole('region', { name: /^Backfill \d+$/ });
    await card.getByRole('button', { name: 'Pause' }).click();
    await card.getByText('paused', { exact: true }).waitFor();
    expect(await barriers()).toEqual([]);
    world.simulator.setFaults({});
    await card.getByRole('button', { name: 'Resume' }).click();
    // The page looks every five seconds, and the worker may have been at a slow call.
    await card.getByText('done', { exact: true }).waitFor({ timeout: 90_000 });
    expect(await card.innerText()).toMatch(/1h from 2026-01-01 to 2026-02-01, 2 tokens/);
  });

  it('lays all history aside and has it go on', async () => {
    await show('backfills');
    const all = page.getByRole('region', { name: 'All history' });
    await all.getByRole('button', { name: 'Pause all history' }).click();
    await all.getByText('paused', { exact: true }).waitFor();
    expect(await barriers()).toEqual([]);
    await show('now');
    await page.getByText(/History paused/).waitFor();
    await show('backfills');
    await all.getByRole('button', { name: 'Resume all history' }).click();
    await all.getByText('goes on', { exact: true }).waitFor();
  });

  it('explains a cell of the map, with the mouse and with the keyboard', async () => {
    await show('coverage?granularity=1h');
    const map = page.getByRole('application');
    await map.locator('canvas').click({ position: { x: 40, y: 40 } });
    const why = page.getByRole('region', { name: 'Why' });
    await why.getByText(/of \d+ windows have values/).waitFor();
    expect(await why.innerText()).toMatch(/^BTC, 1h/);
    const happened = why.getByRole('region', { name: 'What happened to it' });
    for (const what of [/^closed$/, /^due$/, /^asked \(/]) {
      await happened.getByRole('cell', { name: what }).first().waitFor();
    }
    await why
      .getByText(/^Next:/)
      .first()
      .waitFor();
    await map.focus();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    await why.getByText(/^ETH, 1h/).waitFor();
    expect(await barriers()).toEqual([]);
  });

  it('draws tokens against one another and keeps the view in the address', async () => {
    await show('explorer');
    await page.locator('.chart canvas').first().waitFor();
    await page.getByRole('button', { name: 'Remove ETH' }).click();
    await page.getByLabel('Scale').selectOption('log');
    const address = page.url();
    expect(address).toMatch(/token=BTC&scale=log/);
    const rows = await page.getByRole('region', { name: 'Values', exact: true }).locator('tbody tr').count();
    expect(rows).toBeGreaterThan(10);
    const csv = await page.evaluate(
      'fetch(document.querySelector("a[download]").href).then((answer) => answer.text())',
    );
    expect(csv).toMatch(
      /^"time","token","net_sentiment","mention_count","is_final"\r\n"\d{4}-.*Z","BTC",.*,(TRUE|FALSE)\r/,
    );
    expect(await barriers()).toEqual([]);
  });

  it('lists what went wrong', async () => {
    await show('trouble');
    await page.getByRole('cell', { name: /^access-denied/ }).waitFor();
    await page.getByRole('tab', { name: 'Calls' }).click();
    await page.getByLabel('Outcome').selectOption('failed');
    await page
      .getByRole('cell', { name: /access-denied/ })
      .first()
      .waitFor();
    expect(page.url()).toContain('outcome=failed');
    await page.getByRole('tab', { name: 'Quiet tokens' }).click();
    await page.getByRole('cell', { name: 'BTC', exact: true }).first().waitFor();
    await page.getByRole('tab', { name: 'Doubtful values' }).click();
    await page.getByText('No rule is suspended.').waitFor();
    expect(await barriers()).toEqual([]);
  });

  it('fits a phone, in the dark', async () => {
    await page.setViewportSize({ width: 360, height: 740 });
    await page.emulateMedia({ colorScheme: 'dark' });
    for (const [view, part] of [
      ...['now', 'coverage', 'explorer', 'backfills', 'trouble'].map(
        (name) => [name, '.card, .map'] as const,
      ),
      ['trouble?list=calls', 'td'],
    ] as const) {
      await show(view);
      await page.locator('main').locator(part).first().waitFor();
      expect([view, await page.evaluate('document.documentElement.scrollWidth')]).toEqual([view, 360]);
    }
    for (const view of ['now', 'backfills']) {
      await show(view);
      await page.locator('main .card').first().waitFor();
      expect(await barriers()).toEqual([]);
    }
  });

  it('signs out', async () => {
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByLabel('Token').waitFor();
    expect((await page.request.get(`${world.url}/api/v1/status`)).status()).toBe(401);
    // A question that was under way may find the door shut.
    const shut = complaints.filter((complaint) => !complaint.includes('401 (Unauthorized)'));
    complaints.splice(0, complaints.length, ...shut);
  });
});
