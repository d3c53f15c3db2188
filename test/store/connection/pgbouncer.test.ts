import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { withClient } from '../../../harness/client.ts';
import { hasPgBouncer, PgBouncer } from '../../../harness/pgbouncer.ts';
import { formatBeijingDate } from '../../../src/beijing.ts';
import { TryLaterError, UserError } from '../../../src/errors.ts';
import { clientConfig } from '../../../src/store/connection/address.ts';
import { type Database, openDatabase } from '../../../src/store/connection/database.ts';
import { createPool } from '../../../src/store/connection/pool.ts';
import { requireSessions } from '../../../src/store/connection/pooler.ts';
import { createFolder, expectMistake, runCli, settingsFor, startCli } from '../../commands/cli.ts';
import { startTestSimulator } from '../../support/api.ts';
import { day } from '../../support/clock.ts';
import { createTestDatabase, value } from '../../support/database.ts';

const isThere = hasPgBouncer();
if (!isThere && process.env.REQUIRE_PGBOUNCER === '1')
  throw new Error('REQUIRE_PGBOUNCER=1, but pgbouncer is not installed');

describe.skipIf(!isThere)('behind PgBouncer', () => {
  const folder = createFolder();
  let direct: Database;
  let pooler: PgBouncer;
  beforeAll(async () => {
    direct = await createTestDatabase('plain PostgreSQL');
    pooler = await PgBouncer.start(direct.url);
  });
  afterAll(() => pooler.stop());

  const heldLocks = () =>
    value<number>(
      direct,
      `select count(*)::int from pg_locks where locktype = 'advisory'
       and database = (select oid from pg_database where datname = current_database())`,
    );

  it('in session mode a pipeline runs, and its locks end with its process', async () => {
    const simulator = await startTestSimulator({});
    const settings = {
      ...settingsFor(simulator, pooler.address('session')),
      TOKENS: 'BTC,ETH',
      GRANULARITIES: '1d',
      HISTORY_START: formatBeijingDate(Date.now() - 9 * day),
      HTTP_PORT: '0',
    };
    const migrated = await runCli(folder, ['migrate'], settings);
    expect([migrated.code, migrated.stdout]).toEqual([0, 'the database has the newest schema\n']);
    const running = startCli(folder, ['start'], settings);
    await expect.poll(heldLocks, { timeout: 60_000 }).toBeGreaterThan(0);
    await expect
      .poll(() => value<number>(direct, 'select count(*)::int from cryptoracle.metrics_1d'), {
        timeout: 60_000,
      })
      .toBeGreaterThan(10);
    running.process.kill('SIGKILL');
    await running.ended;
    await expect.poll(heldLocks, { timeout: 60_000 }).toBe(0);
  });

  it.each(['transaction', 'statement'] as const)('in %s mode it is refused by name', async (mode) => {
    const ended = await runCli(folder, ['status'], { DATABASE_URL: pooler.address(mode) });
    expectMistake(ended, ['DATABASE_URL', 'session mode', 'pool_mode = session']);
    const pool = createPool(pooler.address(mode), { connections: 1, searchPath: 'bullmq' });
    await expect(pool.query('select 1')).rejects.toThrow(UserError);
    await pool.end();
  });

  it('in transaction mode nothing is set on sessions that are passed on to others', async () => {
    const single = await PgBouncer.start(direct.url, { poolSize: 1 });
    const address = single.address('transaction');
    await expect(openDatabase(address, { connections: 1 })).rejects.toThrow(UserError);
    const settings = await withClient(address, (client) => client.query('show statement_timeout'));
    expect(settings.rows).toEqual([{ statement_timeout: '0' }]);
    await single.stop();
  });

  it('in session mode a pool without a second connection is told, with the remedy', async () => {
    const single = await PgBouncer.start(direct.url, { poolSize: 1 });
    const config = clientConfig(single.address('session'));
    const failure = await withClient(single.address('session'), async (client) => {
      // From its first statement on it has the only session.
      await client.query('select');
      return requireSessions(client, 0, config, 'pooler:6432', 500).catch((error: unknown) => error);
    });
    expect(failure).toBeInstanceOf(TryLaterError);
    expect(String(failure)).toMatch(/the pooler at pooler:6432 .*default_pool_size/);
    await single.stop();
  });
});
