import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { createDatabase } from '../harness/databases.ts';
import type { Random } from '../harness/random.ts';
import type { Faults } from '../src/simulator/index.ts';
import { countAnswered, phases } from './phases.ts';
import { beginWhereLittleIsLeft } from './verdict.ts';
import type { World } from './world.ts';

/** Everything that may go wrong while data come in, and how it is brought about. */
export interface Fault {
  readonly name: string;
  /** The server that it needs. */
  readonly needs?: 'own PostgreSQL' | 'own PostgreSQL on Linux' | 'Redis' | 'queue in PostgreSQL';
  /** Brings it about while a fill is under way, and ends it; what it killed is started again afterwards. */
  readonly strike: (world: World, random: Random) => Promise<void>;
}

/** The API fails in one way for the share of all calls, until enough of them have failed. */
function apiFault(name: string, faults: Faults): Fault {
  return {
    name: `API: ${name}`,
    strike: async (world) => {
      world.simulator.setFaults(faults);
      await world.answered(20);
      world.simulator.setFaults({});
    },
  };
}

const some = { probability: 0.3 };

const apiFaults: readonly Fault[] = [
  apiFault('HTTP 500', { error500: some }),
  apiFault('HTTP 503', { error503: some }),
  apiFault('HTTP 429 with Retry-After', { throttle: { probability: 0.1, retryAfterSeconds: 1 } }),
  apiFault('code 429 in the envelope', { throttle: { probability: 0.2, as: 'body' } }),
  apiFault('connection cut before the answer', { cutConnection: { ...some, at: 'before' } }),
  apiFault('connection cut within the answer', { cutConnection: { ...some, at: 'halfway' } }),
  apiFault('answers that are no JSON', { garbage: { ...some, as: 'text' } }),
  apiFault('answers that cannot be decrypted', { garbage: { ...some, as: 'payload' } }),
  apiFault('codes that nobody knows', { unknownCode: some }),
  apiFault('answers cut short and filled with other windows', { cutShort: some }),
  apiFault('bodies that come a byte at a time', { drip: { probability: 0.1, milliseconds: 100 } }),
  apiFault('slow answers', { slow: { probability: 0.4, milliseconds: 700 } }),
  {
    name: 'API: records above the limit cut off without a word',
    strike: async (world) => {
      // The window at the end of the range is answered, too: more than was counted on.
      world.simulator.configure({ overLimit: 'cut', rangeEnd: 'inclusive' });
      await world.answered(20);
      world.simulator.configure({ overLimit: 'error', rangeEnd: 'exclusive' });
    },
  },
  {
    name: 'API: access refused, and granted again',
    strike: async (world) => {
      world.simulator.refuseEndpoint('endpoint');
      await world.until('the breaker is open', async () => {
        const { rowCount } = await world.database.pool.query('select from cryptoracle.breaker');
        return rowCount === 1;
      });
      await sleep(500);
      world.simulator.allowEndpoint('endpoint');
      // Starting a process makes a probe due, which otherwise comes within a minute.
      await Promise.all(world.workers.map((worker) => worker.kill()));
    },
  },
];

const processFaults: readonly Fault[] = [
  ...phases.map(
    ({ name, reach }): Fault => ({
      name: `kill -9 of a worker ${name}`,
      strike: async (world, random) => {
        await world.answered(random.between(1, 6));
        const release = await reach(world);
        try {
          await random.pick(world.workers).kill();
        } finally {
          await release();
        }
      },
    }),
  ),
  {
    name: 'kill -9 of all workers at once',
    strike: async (world, random) => {
      await world.answered(random.between(1, 12));
      await Promise.all(world.workers.map((worker) => worker.kill()));
    },
  },
  {
    name: 'kill -9 of the scheduler while it plans',
    strike: async (world, random) => {
      await world.tick('heal', 'heal', 'heal');
      await sleep(random.between(0, 40));
      await world.scheduler.kill();
    },
  },
  {
    name: 'a second scheduler starts',
    strike: async (world) => {
      const second = world.spawn('scheduler');
      await second.ready();
      await world.tick('heal', '15m', '1h');
      await second.stop();
    },
  },
  {
    name: 'four migrations at once',
    strike: async (world) => {
      const codes = await Promise.all([1, 2, 3, 4].map(() => world.spawn('migrate').ended()));
      if (codes.some((code) => code !== 0)) throw new Error(`migrate ended with ${codes.join()}`);
    },
  },
  {
    name: 'kill -9 of the first migrate',
    strike: async (world, random) => {
      await world.killAll();
      await world.persist(() => world.database.pool.query('drop schema cryptoracle cascade'));
      const first = world.spawn('migrate');
      await sleep(random.between(300, 3000));
      await first.kill();
      const code = await world.spawn('migrate').ended();
      if (code !== 0) throw new Error(`migrate ended with ${code} after one that was killed`);
      await world.revive();
      await world.begin();
      await world.answered(1);
    },
  },
  {
    name: 'a second pipeline that wants something else on the same database',
    strike: async (world) => {
      await world.answered(1);
      const code = await world.spawn('scheduler', { TOKENS: 'BTC', GRANULARITIES: '1d' }).ended();
      if (code !== 1) throw new Error(`the second pipeline ended with ${code}, and was to be refused`);
    },
  },
  {
    name: 'a second pipeline of another database on the same Redis',
    needs: 'Redis',
    strike: async (world) => {
      const other = await createDatabase(world.database.url);
      try {
        const environment = { DATABASE_URL: other.url };
        const code = await world.spawn('migrate', environment).ended();
        if (code !== 0) throw new Error(`migrate of the other database ended with ${code}`);
        const others = [world.spawn('scheduler', environment), world.spawn('worker', environment)];
        await Promise.all(others.map((member) => member.ready()));
        await world.answered(20);
        await Promise.all(others.map((member) => member.kill()));
      } finally {
        await other.drop();
      }
    },
  },
  clockFault('26 hours forward, and back', 26),
  clockFault('3 hours back, and right again', -3),
];

function clockFault(name: string, hours: number): Fault {
  return {
    name: `clock set ${name}`,
    strike: async (world) => {
      const members = [world.scheduler, ...world.workers];
      for (const member of members) member.setClock(hours * 3_600_000);
      await sleep(200);
      await world.tick('15m', '1h', 'heal');
      await sleep(2500);
      for (const member of members) member.setClock(0);
      await sleep(200);
      await world.tick('15m', '1h', '4h', '1d');
    },
  };
}

/** Job tables of BullMQ on PostgreSQL. */
const emptyPostgresQueue = `do $$ declare name text; begin
  for name in select format('%I.%I', schemaname, tablename) from pg_tables
    where schemaname = 'bullmq' and tablename not like '%migration%'
  loop execute 'truncate ' || name || ' cascade'; end loop; end $$`;

const queueFaults: readonly Fault[] = [
  {
    name: 'queue: Redis flushed',
    needs: 'Redis',
    strike: async (world, random) => {
      await world.answered(random.between(1, 12));
      await world.redis?.command('flushall');
    },
  },
  {
    name: 'queue: Redis killed, away for 2 s, back empty',
    needs: 'Redis',
    strike: async (world, random) => {
      await world.answered(random.between(1, 12));
      await world.redis?.restart(2000);
    },
  },
  {
    name: 'queue: connections to Redis cut',
    needs: 'Redis',
    strike: async (world, random) => {
      for (let times = 0; times < 3; times++) {
        await world.answered(random.between(1, 6));
        for (const type of ['normal', 'pubsub']) await world.redis?.command('client', 'kill', 'type', type);
      }
    },
  },
  {
    name: 'queue: Redis takes no writes for 5 s',
    needs: 'Redis',
    strike: async (world, random) => {
      await world.answered(random.between(1, 6));
      // The replica of a server that is not there.
      await world.redis?.command('replicaof', '127.0.0.1', '1');
      await sleep(5000);
      await world.redis?.command('replicaof', 'no', 'one');
    },
  },
  {
    name: 'queue: job tables truncated',
    needs: 'queue in PostgreSQL',
    strike: async (world, random) => {
      await world.answered(random.between(1, 12));
      await world.persist(() => world.database.pool.query(emptyPostgresQueue));
    },
  },
];

const databaseFaults: readonly Fault[] = [
  {
    name: 'connections to database and queue that go silent and stay open',
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
 * Lets no file grow beyond a limit that the finest metric table has almost reached, as on a full disk, and lifts it
 * later.
 */
async function fillDisk(world: World): Promise<void> {
  const { pool } = world.database;
  const sizeOf = "pg_relation_size('cryptoracle.metrics_15m')::float8 as size";
  // Files of the write-ahead log have 16 MB and must still be written: dead rows make the table larger than that.
  await world.persist(() =>
    pool.query(`
      alter table cryptoracle.metrics_15m set (autovacuum_enabled = false);
      begin;
      insert into cryptoracle.metrics_15m (time, token, first_seen_at, updated_at, backfilled)
        select to_timestamp(n), 'BALLAST', now(), now(), true from generate_series(1, 250000) as n;
      delete from cryptoracle.metrics_15m where token = 'BALLAST';
      commit`),
  );
  const { rows } = await pool.query<{ size: number }>(`select ${sizeOf}`);
  const limit = (rows[0]?.size ?? 0) + 65_536;
  world.postgres?.limitFiles(limit);
  await cutConnections(world);
  await world.until('the table has reached the limit', async () => {
    const { rows: now } = await world.persist(() => pool.query<{ size: number }>(`select ${sizeOf}`));
    return (now[0]?.size ?? 0) >= limit - 8192;
  });
  await sleep(1500);
  world.postgres?.limitFiles(undefined);
  await cutConnections(world);
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

/** Disasters of every kind, one after the other, while the API fails for 20 to 40 % of the calls in all its ways. */
const storm: Fault = {
  name: 'storm: failing API and dying processes, all together',
  strike: async (world, random) => {
    const share = random.between(20, 40) / 100;
    const disasters = [...processFaults, ...queueFaults, ...databaseFaults].filter(
      (fault) => isPossible(fault, world) && !/clock|disk|migrate|pipeline|silent/.test(fault.name),
    );
    for (let strikes = 0; strikes < 4; strikes++) {
      await beginWhereLittleIsLeft(world);
      world.failInAllWays(share);
      await random.pick(disasters).strike(world, random);
      await world.revive();
      await world.tick('heal').catch(() => {});
    }
    world.simulator.setFaults({});
  },
};

export const faults: readonly Fault[] = [
  ...apiFaults,
  ...processFaults,
  ...queueFaults,
  ...databaseFaults,
  storm,
];

export function isPossible({ needs }: Fault, world: World): boolean {
  const isThere = {
    'own PostgreSQL': world.postgres !== undefined,
    'own PostgreSQL on Linux': world.postgres !== undefined && process.platform === 'linux',
    Redis: world.queue === 'Redis',
    'queue in PostgreSQL': world.queue === 'PostgreSQL',
  };
  return needs === undefined || isThere[needs];
}
