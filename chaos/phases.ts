import pg from 'pg';
import type { World } from './world.ts';

/** Moments in the life of a job at which a worker can be held, from outside, and killed. */
export interface Phase {
  readonly name: string;
  /** Holds the workers there. @returns what lets go of them */
  readonly reach: (world: World) => Promise<() => Promise<void>>;
}

/** Holds whoever wants to write to a table, and waits until a statement that begins so is held. */
async function holdTable(world: World, table: string, mode: string, statement: RegExp) {
  const client = new pg.Client({ connectionString: world.database.url, application_name: 'holder' });
  await client.connect();
  await client.query('begin');
  await client.query(`lock table ${table} in ${mode} mode`);
  const release = async () => {
    await client.query('rollback');
    await client.end();
  };
  try {
    await world.until(`a worker waits for ${table}`, async () => {
      const { rows } = await world.database.pool.query<{ query: string }>(
        `select query from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
      );
      return rows.some(({ query }) => statement.test(query));
    });
  } catch (error) {
    await release();
    throw error;
  }
  return release;
}

export const phases: readonly Phase[] = [
  {
    name: 'before it sends',
    reach: (world) => holdTable(world, 'cryptoracle.pace', 'exclusive', /"cryptoracle"\."pace"/),
  },
  {
    name: 'after the answer, before anything is written',
    // The first thing that a transaction writes are the rows, copied or merged; the ledger is read before.
    reach: (world) =>
      holdTable(
        world,
        ['15m', '1h', '4h', '1d'].map((granularity) => `cryptoracle.metrics_${granularity}`).join(),
        'exclusive',
        // PostgreSQL shows the first kilobyte of a statement, which may end before it says where it writes.
        /with\s+incoming|^copy cryptoracle/,
      ),
  },
  {
    name: 'inside the transaction, after the values are written',
    reach: (world) =>
      holdTable(world, 'cryptoracle.coverage', 'exclusive', /insert into "cryptoracle"\."coverage"/),
  },
  {
    name: 'after the commit, before the job is acknowledged',
    reach: async (world) => {
      if (world.redis === undefined) {
        return holdTable(world, await postgresJobTable(world), 'exclusive', /bullmq|job/i);
      }
      const { redis } = world;
      const answered = await countAnswered(world);
      // Workers go on until they want to write to the queue.
      await redis.command('client', 'pause', '60000', 'write');
      await world.until('an answer is committed', async () => (await countAnswered(world)) > answered);
      return async () => {
        await redis.command('client', 'unpause');
      };
    },
  },
];

export async function countAnswered(world: World): Promise<number> {
  const { rows } = await world.database.pool.query<{ answered: number }>(
    "select count(*)::int as answered from cryptoracle.requests where outcome = 'answered'",
  );
  return rows[0]?.answered ?? 0;
}

async function postgresJobTable(world: World): Promise<string> {
  const { rows } = await world.database.pool.query<{ name: string }>(
    "select format('%I.%I', schemaname, tablename) as name from pg_tables where schemaname = 'bullmq'",
  );
  const table = rows.map(({ name }) => name).find((name) => /\.jobs?$/.test(name));
  if (table === undefined) throw new Error(`no table of jobs among ${rows.map(({ name }) => name).join()}`);
  return table;
}
