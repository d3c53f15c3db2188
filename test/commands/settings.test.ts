import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { sampleCredentials } from '../../src/simulator/index.ts';
import type { Database } from '../../src/store/connection/database.ts';
import { createTestDatabase } from '../support/database.ts';
import { createFolder, credentialSettings, type Environment, expectMistake, runCli } from './cli.ts';

const backfill = ['backfill', '--from', '2025-06-01', '--to', '2025-06-02'];
const all = credentialSettings(sampleCredentials);

/** Each of these is wrong in its own way, with what the message must say. */
const malformed: Readonly<Record<string, readonly [given: string, message: string]>> = {
  GRANULARITIES: ['1h,2h', "GRANULARITIES: unknown granularity '2h'"],
  TOKENS: ['BTC, E TH', "TOKENS: 'E TH'"],
  METRICS: ['mention_count,price', "METRICS: unknown metric 'price'"],
  TAGS: ['colour', "TAGS: unknown tag 'colour'"],
  HISTORY_START: ['2025-13-01', "HISTORY_START: '2025-13-01'"],
  SETTLE_DELAY: ['soon', "SETTLE_DELAY: 'soon'"],
  LOOKBACK_WINDOWS: ['-1', 'LOOKBACK_WINDOWS:'],
  RECORD_LIMIT: ['1.5', 'RECORD_LIMIT:'],
  RECORD_UNIT: ['cell', 'RECORD_UNIT:'],
  FETCH_CONCURRENCY: ['many', 'FETCH_CONCURRENCY:'],
  REQUESTS_PER_SECOND: ['0', 'REQUESTS_PER_SECOND:'],
  HTTP_PORT: ['70000', 'HTTP_PORT:'],
  HTTP_TOKEN: ['short', 'HTTP_TOKEN:'],
  LOG_LEVEL: ['loud', 'LOG_LEVEL:'],
  CRYPTORACLE_WIRE: ['{"sign":"sha1"}', 'CRYPTORACLE_WIRE (sign):'],
  CRYPTORACLE_BASE_URL: ['service.cryptoracle.network', 'CRYPTORACLE_BASE_URL:'],
  CRYPTORACLE_DATA_SECRET: ['fifteen bytes!!', 'CRYPTORACLE_DATA_SECRET:'],
  CRYPTORACLE_DATA_IV: ['seventeen bytes!!', 'CRYPTORACLE_DATA_IV:'],
  REDIS_URL: ['http://localhost', 'REDIS_URL:'],
  DATABASE_URL: ['mysql://root:pw@localhost/x', 'DATABASE_URL:'],
};

describe('a mistake in the settings is one line that names it:', () => {
  const folder = createFolder();
  const dotEnv = createFolder();
  let database: Database;
  beforeAll(async () => {
    database = await createTestDatabase('plain PostgreSQL');
  });
  const run = (args: readonly string[], settings: Environment) =>
    runCli(folder, args, { DATABASE_URL: database.url, ...settings });

  it.concurrent('malformed settings, all at once', async () => {
    const given = Object.fromEntries(Object.entries(malformed).map(([name, [text]]) => [name, text]));
    const ended = await run(['status'], given);
    expectMistake(
      ended,
      Object.values(malformed).map(([, message]) => message),
    );
    // What is secret is not repeated.
    expect(ended.stderr).not.toMatch(/fifteen|seventeen|short|root:pw/);
  });

  it.concurrent('a key of 15 bytes', async () => {
    const ended = await run(['status'], { CRYPTORACLE_DATA_SECRET: 'fifteen bytes!!' });
    expectMistake(ended, ['CRYPTORACLE_DATA_SECRET', '16 bytes']);
    expect(ended.stderr).not.toContain('fifteen');
  });

  it.concurrent('an unknown token', async () => {
    const ended = await run([...backfill, '--dry-run'], { TOKENS: 'ETH,NOPE' });
    expectMistake(ended, ['TOKENS', "'NOPE'"]);
  });

  it.concurrent('no credentials', async () => {
    expectMistake(await run(backfill, {}), ['CRYPTORACLE_API_KEY']);
    expectMistake(await run(backfill, { CRYPTORACLE_API_VERSION: 'v1' }), Object.keys(all));
  });

  it.concurrent('one secret that is missing', async () => {
    const { CRYPTORACLE_DATA_IV: _, ...others } = all;
    const ended = await run(backfill, { ...others, CRYPTORACLE_DATA_IV: ' ' });
    expectMistake(ended, ['not set: CRYPTORACLE_DATA_IV.']);
  });

  it.concurrent('a database that is not there, for which a later time may be better', async () => {
    const ended = await run(['status'], { DATABASE_URL: 'postgresql://u:secret-word@127.0.0.1:1/x' });
    expectMistake(ended, ['DATABASE_URL', '127.0.0.1:1'], 75);
    expect(ended.stderr).not.toContain('secret-word');
  });

  it.concurrent('a mistake in .env, which the environment overrides', async () => {
    writeFileSync(join(dotEnv, '.env'), 'LOG_LEVEL=loud\nDATABASE_URL=mysql://x\n');
    const ended = await runCli(dotEnv, ['status'], { LOG_LEVEL: 'silent' });
    expectMistake(ended, ['DATABASE_URL']);
    expect(ended.stderr).not.toContain('LOG_LEVEL');
  });
});
