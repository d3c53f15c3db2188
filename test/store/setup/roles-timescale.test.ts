import { beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/clock.ts';
import { storeAnswer } from '../../../src/store/answers/write.ts';
import type { Database } from '../../../src/store/connection/database.ts';
import { migrate } from '../../../src/store/setup/migrate.ts';
import { hour } from '../../support/clock.ts';
import { createTestDatabase, rows, serverUrl, silent, value } from '../../support/database.ts';
import { grantsOf } from '../../support/grants.ts';
import { createLogin } from '../../support/logins.ts';
import { answer, mentions, row, start, storedRevisions, storedRows } from '../answers/answering.ts';

const denied = { code: '42501' };

describe.skipIf(serverUrl('TimescaleDB') === null)('a worker on TimescaleDB', () => {
  let database: Database;
  let worker: Database;
  beforeAll(async () => {
    database = await createTestDatabase('TimescaleDB');
    worker = await createLogin(database, 'cryptoracle_worker');
    const windows = Array.from({ length: 48 }, (_, number) => start + number * hour);
    await storeAnswer(
      database,
      answer({ to: start + 48 * hour, rows: windows.map((time) => row('BTC', time, { [mentions]: 1 })) }),
    );
    await database.pool.query(
      "select compress_chunk(chunk) from show_chunks('cryptoracle.metrics_1h') as chunk",
    );
  });

  it('changes and adds rows in a compressed chunk that is older than its rights', async () => {
    await database.pool.query('revoke all on cryptoracle.metrics_1h from cryptoracle_worker');
    await migrate(database, systemClock, silent);
    const stored = await storeAnswer(
      worker,
      answer({
        tokens: ['BTC', 'NEW'],
        rows: [
          row('BTC', start, { [mentions]: 2 }),
          row('BTC', start + hour, { [mentions]: 1 }),
          row('NEW', start, { [mentions]: 3 }),
        ],
      }),
    );
    expect(stored).toEqual({ rowsWritten: 2, revisions: 1 });
    expect(await storedRows(database)).toHaveLength(49);
    expect(await storedRevisions(database)).toMatchObject([{ token: 'BTC', old: 1, new: 2 }]);
  });

  it('makes chunks, which belong to the owner of the table and give the roles no more than it does', async () => {
    const far = start + 1000 * 24 * hour;
    await storeAnswer(worker, answer({ from: far, rows: [row('BTC', far, { [mentions]: 5 })] }));
    const chunks = await rows<{ name: string; owner: string }>(
      database,
      `select format('%s.%s', chunk_schema, chunk_name) as name, tableowner as owner
       from timescaledb_information.chunks join pg_tables on schemaname = chunk_schema and tablename = chunk_name
       where hypertable_name = 'metrics_1h'`,
    );
    expect(chunks).toHaveLength(2);
    const owner = await value<string>(database, 'select current_user');
    for (const role of ['reader', 'worker'] as const) {
      const grants = await grantsOf(database, `cryptoracle_${role}`);
      const ofTable = grants['cryptoracle.metrics_1h'];
      for (const chunk of chunks) expect([chunk.owner, grants[chunk.name]]).toEqual([owner, ofTable]);
      const others = Object.entries(grants).filter(([name]) => name.startsWith('_timescaledb_internal.'));
      for (const [, rights] of others) expect(rights).toBe(ofTable);
    }
  });

  it('may neither drop nor unpack chunks, nor touch the policies', async () => {
    for (const statement of [
      "select drop_chunks('cryptoracle.metrics_1h', older_than => now())",
      "select decompress_chunk(chunk) from show_chunks('cryptoracle.metrics_1h') as chunk",
      "select remove_compression_policy('cryptoracle.metrics_1h')",
      "select add_retention_policy('cryptoracle.metrics_1h', interval '1 day')",
      "select delete_job(job_id) from timescaledb_information.jobs where hypertable_name = 'metrics_1h'",
      `drop table ${await value<string>(database, "select show_chunks('cryptoracle.metrics_1h') limit 1")}`,
    ])
      await expect(rows(worker, statement), statement).rejects.toMatchObject(denied);
  });
});
