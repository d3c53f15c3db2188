import { randomBytes } from 'node:crypto';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import type { Database } from '../../../src/store/connection/database.ts';
import { removeReaderJobs, revokeJobPlanting } from '../../../src/store/setup/planted-jobs.ts';
import { createReader, dropReader, listReaders } from '../../../src/store/setup/readers.ts';
import { createTestDatabase, rows, serverUrl, silent } from '../../support/database.ts';
import { onFileEnd } from '../../support/releasers.ts';

const plant = "select add_job('pg_sleep'::regproc, interval '1 day', '{}'::jsonb)";

const plantedBy = (database: Database, name: string) =>
  rows(database, `select job_id from timescaledb_information.jobs where owner::text = '${name}'`);

/** Plants a job as a reader that has lifted what its login sets. */
async function plantAs(database: Database, name: string): Promise<void> {
  const client = await database.pool.connect();
  try {
    await client.query(`set role ${name}; set default_transaction_read_only = off; ${plant}; reset role`);
  } finally {
    client.release(true);
  }
}

describe.skipIf(serverUrl('TimescaleDB') === null)('readers and the jobs of TimescaleDB', () => {
  async function createReaderDatabase() {
    const database = await createTestDatabase('TimescaleDB');
    const name = `reader_${randomBytes(6).toString('hex')}`;
    await createReader(database, name, { password: 'of-a-test', timeout: 1000 });
    onFileEnd(async () => {
      await database.pool.query(`drop role if exists ${name}`);
    });
    return { database, name };
  }

  it('plants no job, while the owner of the schema keeps the compression policies', async () => {
    const { database, name } = await createReaderDatabase();
    await expect(plantAs(database, name)).rejects.toMatchObject({ code: '42501' });
    const policies = await rows(
      database,
      "select from timescaledb_information.jobs where proc_name = 'policy_compression'",
    );
    expect(policies).toHaveLength(4);
  });

  it('removes what a reader planted before that, and says whose it was', async () => {
    const { database, name } = await createReaderDatabase();
    await database.pool.query('grant execute on function add_job to public');
    await plantAs(database, name);
    expect(await plantedBy(database, name)).toHaveLength(1);
    const warnings: unknown[] = [];
    const log = pino({ level: 'warn' }, { write: (line: string) => warnings.push(JSON.parse(line)) });
    await database.connect(async (connection) => {
      await revokeJobPlanting(connection, log);
      await removeReaderJobs(connection, log);
    });
    expect(warnings).toMatchObject([{ reader: name, jobs: 1 }]);
    expect(await plantedBy(database, name)).toEqual([]);
    await expect(plantAs(database, name)).rejects.toMatchObject({ code: '42501' });
    await database.connect((connection) => removeReaderJobs(connection, silent));
  });

  it('drops a reader with its jobs', async () => {
    const { database, name } = await createReaderDatabase();
    await database.pool.query('grant execute on function add_job to public');
    await plantAs(database, name);
    await dropReader(database, name);
    expect((await listReaders(database)).map((reader) => reader.name)).not.toContain(name);
    expect(await plantedBy(database, name)).toEqual([]);
  });
});
