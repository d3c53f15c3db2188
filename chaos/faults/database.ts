import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { emptyTables } from '../../harness/empty-tables.ts';
import { granularities } from '../../src/catalog/index.ts';
import { countAnswered } from '../phases.ts';
import type { World } from '../world.ts';
import type { Fault } from './fault.ts';

export const databaseFaults: readonly Fault[] = [
  {
    name: 'connections to database and queue that go silent and stay open',
    isSlow: true,
    strike: async (world, random) => {
      await world.answered(random.between(1, 6));
      world.silenceConnections();
      const before = await countAnswered(world);
      await world.until('work goes on', async () => (await countAnswered(world)) > before);
    },
  },
  {
    name: 'database: every connection cut, again and again',
    strike: async (world, random) => {
      await world.answered(random.between(1, 6));
      for (let times = 0; times < 5; times++) {
        await cutConnections(world);
        await sleep(random.between(20, 300));
      }
    },
  },
  {
    name: 'database: restarted with -m immediate',
    needs: 'own PostgreSQL',
    strike: async (world, random) => {
      await world.answered(random.between(1, 12));
      await world.postgres?.restartImmediately();
    },
  },
  {
    name: 'database: no free connection for 4 s',
    needs: 'own PostgreSQL',
    strike: async (world, random) => {
      await world.answered(random.between(1, 6));
      await hogConnections(world, 4000);
    },
  },
  {
    name: 'database: disk full (no table may grow)',
    needs: 'own PostgreSQL on Linux',
    isSlow: true,
    strike: fillDisk,
  },
];

/** Takes every connection that is free, and those that become free. */
async function hogConnections(world: World, milliseconds: number): Promise<void> {
  const url = world.database.url;
  const clients: pg.Client[] = [];
  const until = performance.now() + milliseconds;
  // Connections in use are cut once, so that their owners have to come back and find none.
  await cutConnections(world);
  while (performance.now() < until) {
    const client = new pg.Client({ connectionString: url, application_name: 'hog' });
    client.on('error', () => {});
    try {
      await client.connect();
      clients.push(client);
    } catch {
      await sleep(20);
    }
  }
  await Promise.all(clients.map((client) => client.end().catch(() => {})));
}

/**
 * Has everything fetched again into a metric table that cannot grow, as on a full disk, and lifts the limit later. The
 * limit stands before anything can be fetched: a fill that ran meanwhile might be over before it met the limit.
 */
async function fillDisk(world: World): Promise<void> {
  const limit = await world.persist(() => emptyWithoutRoom(world));
  await cutConnections(world);
  // The connection of the tick may be one that was cut.
  await world.persist(() => world.tick(...granularities));
  await world.until('the table has reached the limit', async () => {
    const size = await world.persist(() => readTableSize(world.database.pool));
    return size >= limit - 8192;
  });
  await sleep(1500);
  world.postgres?.limitFiles(undefined);
  await cutConnections(world);
}

/**
 * Empties the database, and lets no file of connections to come grow beyond the size that the finest metric table has
 * then.
 *
 * @returns bytes
 */
async function emptyWithoutRoom({ database, postgres }: World): Promise<number> {
  const client = await database.pool.connect();
  try {
    await client.query('begin');
    await emptyTables(client);
    // Files of the write-ahead log have 16 MB and must still be written: dead rows make the table larger than that.
    await client.query(`
      alter table cryptoracle.metrics_15m set (autovacuum_enabled = false);
      insert into cryptoracle.metrics_15m (time, token, first_seen_at, updated_at, backfilled)
        select to_timestamp(n), 'BALLAST', now(), now(), true from generate_series(1, 250000) as n;
      delete from cryptoracle.metrics_15m where token = 'BALLAST'`);
    const limit = (await readTableSize(client)) + 65_536;
    postgres?.limitFiles(limit);
    await client.query('commit');
    return limit;
  } catch (error) {
    await client.query('rollback').catch(() => {});
    throw error;
  } finally {
    client.release();
  }
}

/** @returns bytes */
async function readTableSize(connection: Pick<pg.ClientBase, 'query'>): Promise<number> {
  const { rows } = await connection.query<{ size: number }>(
    "select pg_relation_size('cryptoracle.metrics_15m')::float8 as size",
  );
  return rows[0]?.size ?? 0;
}

/** Ends every connection to the database but one's own, as an administrator can. */
function cutConnections(world: World): Promise<unknown> {
  return world.persist(() =>
    world.database.pool.query(
      `select pg_terminate_backend(pid) from pg_stat_activity
       where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'`,
    ),
  );
}
