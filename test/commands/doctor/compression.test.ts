import { beforeAll, describe, expect, it } from 'vitest';
import type { Database } from '../../../src/store/connection/database.ts';
import { startTestSimulator } from '../../support/api.ts';
import { createTestDatabase, serverUrl } from '../../support/database.ts';
import { createFolder, type Environment, runCli, settingsFor } from '../cli.ts';

describe.skipIf(serverUrl('TimescaleDB') === null)('doctor tells whether history is compressed', () => {
  const folder = createFolder();
  let database: Database;
  let settings: Environment;
  beforeAll(async () => {
    database = await createTestDatabase('TimescaleDB');
    settings = settingsFor(await startTestSimulator({}), database.url);
  });

  async function examine(): Promise<string> {
    const { stdout } = await runCli(folder, ['doctor'], settings);
    return stdout.split('\n').find((line) => line.includes('TimescaleDB')) ?? stdout;
  }

  it('while it is, while a job is switched off, and while it is off', async () => {
    expect(await examine()).toMatch(/^ok .*hypertables, compressed by themselves$/);
    const job = `(select job_id from timescaledb_information.jobs
      where hypertable_name = 'metrics_1h' and proc_name = 'policy_compression' and hypertable_schema = 'cryptoracle')`;
    await database.pool.query(`select alter_job(${job}, scheduled => false)`);
    expect(await examine()).toMatch(/^warning .*; no job compresses metrics_1h$/);
    await database.pool.query("select remove_compression_policy('cryptoracle.metrics_1h')");
    expect(await examine()).toMatch(/^warning .*; no job compresses metrics_1h$/);
    await database.pool.query('alter table cryptoracle.metrics_1h set (timescaledb.compress = false)');
    expect(await examine()).toMatch(/^warning .*; compression is off for metrics_1h$/);
    expect((await runCli(folder, ['migrate'], settings)).code).toBe(0);
    expect(await examine()).toMatch(/^ok .*compressed by themselves$/);
  });
});
