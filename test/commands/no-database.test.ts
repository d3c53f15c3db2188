import { readdirSync } from 'node:fs';
import pg from 'pg';
import { describe, expect, it } from 'vitest';
import { createEmptyDatabase, dropDatabase } from '../support/database.ts';
import { createFolder, expectMistake, runCli } from './cli.ts';

/** Commands that ask about what is there. */
const questions = [
  ['status'],
  ['gaps'],
  ['export', '--granularity', '1d'],
  ['quarantine', 'list'],
  ['backfill', 'list'],
  ['backfill', 'watch'],
  ['backfill', '--from', '2025-06-01', '--to', '2025-06-02', '--dry-run'],
  ['backfill', 'resume', '--dry-run'],
  ['reader', 'list'],
  ['events'],
  ['revisions'],
  ['notes'],
  ['why', 'BTC', '1h', '2025-06-01'],
  ['certify', '--from', '2025-06-01', '--to', '2025-06-02'],
  ['scorecard'],
  ['plan'],
  ['audit'],
  ['pause'],
  ['resume'],
];

describe('a question about data', () => {
  const folder = createFolder();

  it.each(questions)('makes no database where there is none, and says so: %s %s', async (...args) => {
    const ended = await runCli(folder, args);
    expectMistake(ended, ['no database under .data', '`start`', 'DATA_DIR', 'DATABASE_URL']);
    expect(readdirSync(folder)).toEqual([]);
  });

  it('leaves the schema of a database as it is, and says what brings it up to date', async () => {
    const url = await createEmptyDatabase('plain PostgreSQL');
    for (const args of [['status'], ['gaps'], ['backfill', 'list']]) {
      expectMistake(await runCli(folder, args, { DATABASE_URL: url }), ['schema', '`migrate`']);
    }
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    const { rowCount } = await client.query("select from pg_namespace where nspname = 'cryptoracle'");
    await client.end();
    expect(rowCount).toBe(0);
    await dropDatabase('plain PostgreSQL', url);
  });

  it('is not asked for by a start without credentials, which makes nothing either', async () => {
    for (const role of ['all', 'scheduler', 'worker']) {
      expectMistake(await runCli(folder, ['start', '--role', role]), ['CRYPTORACLE_API_KEY']);
    }
    expect(readdirSync(folder)).toEqual([]);
  });
});
