import { readdirSync, readFileSync } from 'node:fs';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { generatedPages } from '../../docs/generate.ts';
import { apiVersions, granularities, metrics } from '../../src/catalog/index.ts';
import { describedTables } from '../../src/store/schema/index.ts';
import { viewNames } from '../../src/store/setup/views/index.ts';
import { describeOnServers } from '../support/database.ts';
import { createFilledDatabase } from '../support/filled.ts';
import { cookbook, fillIn, flat, metabase, read, readme, root, statementsOf } from './pages.ts';

describe('the documentation', () => {
  it('answers at least fifteen questions', () => {
    expect(new Set(cookbook.map(({ question }) => question)).size).toBeGreaterThanOrEqual(15);
  });

  it('answers five of them in README, beside a picture and two commands', () => {
    expect(readme.map(({ question }) => question)).toEqual(
      Array(5).fill(expect.stringMatching(/^README\.md: .*\?$/)),
    );
    const first = read('README.md').split('\n## Five questions')[0] ?? '';
    expect(first).toContain('```sh\nnpm ci\nnpm run demo\n```');
    expect(first).toMatch(/!\[[^\]]+\]\(docs\/screenshots\/now\.png\)/);
  });

  it('tells of every metric what the catalogue says', () => {
    const text = flat(read('docs/metrics.md'));
    for (const { column, code, meaning, summable, averageable, acrossWindows, versions } of metrics) {
      expect(text).toContain(
        flat(`**\`${column}\`** (${code}). ${meaning}. Over windows: ${acrossWindows}.`),
      );
      const row = new RegExp(
        `\\| \`${column}\` \\| ${code} \\|[^|]+\\|[^|]+\\| (yes|no) \\| (yes|no) \\| ([^|]+) \\|`,
      );
      const yesNo = (is: boolean) => (is ? 'yes' : 'no');
      expect(row.exec(text)?.slice(1)).toEqual([yesNo(summable), yesNo(averageable), versions.join(', ')]);
      expect(read('README.md')).toContain(`| ${code} | \`${column}\` | ${versions.join(', ')} |`);
    }
  });

  it.each([...generatedPages(root)])('%s is as `npm run docs` writes it', (path, text) => {
    expect(read(path)).toBe(text);
  });

  it('lists every version of the API, of which a metric of one’s own may name some', () => {
    const all = apiVersions.map((version) => `\`${version}\``).join(', ');
    expect(read('docs/catalogue.md')).toContain(`| versions of the API that have it, of ${all};`);
  });

  it('names every view', () => {
    const text = read('docs/metrics.md');
    for (const name of viewNames) expect(text).toContain(`\`${name}\``);
  });

  it('names every table that people may read', () => {
    const listed = read('docs/tables.md');
    const readable = describedTables.filter(({ rights }) => rights.reader !== '');
    expect(readable.map(({ name }) => name).filter((name) => !listed.includes(`\`${name}\``))).toEqual([]);
    expect(readable.length).toBeGreaterThan(15);
  });

  it('lists every saved question of Metabase', () => {
    const text = read('docs/metabase.md');
    const linked = [...text.matchAll(/\(metabase\/([\w-]+\.sql)\)/g)].map(([, name]) => name);
    expect(linked.toSorted()).toEqual(metabase.map(({ name }) => name).toSorted());
  });

  it('links to pages that are there', () => {
    for (const path of [
      'README.md',
      'docs/assistants.md',
      'docs/backfill.md',
      'docs/commands.md',
      'docs/tables.md',
      'docs/fidelity.md',
      'docs/cookbook.md',
      'docs/metrics.md',
      'docs/metabase.md',
      'docs/operations.md',
      'docs/backup.md',
      'deploy/README.md',
      ...readdirSync(new URL('docs/runbooks/', root)).map((name) => `docs/runbooks/${name}`),
    ]) {
      const links = [...read(path).matchAll(/\]\((?!https?:|#)([^)#]+)/g)].map(([, link = '']) => link);
      for (const link of links) expect(() => readdirOrRead(new URL(link, new URL(path, root)))).not.toThrow();
    }
  });
});

function readdirOrRead(url: URL): void {
  try {
    readFileSync(url);
  } catch {
    readdirSync(url);
  }
}

describeOnServers("the documentation's SQL", (kind) => {
  let client: pg.Client;
  beforeAll(async () => {
    const database = await createFilledDatabase(kind);
    client = new pg.Client({ connectionString: database.url, options: '-c role=cryptoracle_reader' });
    await client.connect();
  }, 120_000);
  afterAll(() => client.end());

  it.each([...cookbook, ...readme])('$question', async ({ sql }) => {
    for (const statement of statementsOf(sql)) {
      expect((await client.query(statement)).rows.length, statement).toBeGreaterThan(0);
    }
  });

  it.each(metabase)('Metabase: $name', async ({ sql }) => {
    // What is optional may be left out.
    const bare = sql.replaceAll(/\[\[.*?\]\]/gs, '');
    for (const text of [sql, bare]) {
      for (const numbers of ['as numbers', 'as texts'] as const) {
        expect((await client.query(fillIn(text, numbers))).rows.length, numbers).toBeGreaterThan(0);
      }
    }
  });

  it.each(granularities)('gives rows of %s', async (granularity) => {
    const { rows } = await client.query('select from cryptoracle.latest where granularity = $1', [
      granularity,
    ]);
    expect(rows.length).toBeGreaterThan(0);
  });
});
