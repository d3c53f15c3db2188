import { setTimeout as sleep } from 'node:timers/promises';
import type { Fault } from './fault.ts';

/** Job tables of BullMQ on PostgreSQL. */
const emptyPostgresQueue = `do $$ declare name text; begin
  for name in select format('%I.%I', schemaname, tablename) from pg_tables
    where schemaname = 'bullmq' and tablename not like '%migration%'
  loop execute 'truncate ' || name || ' cascade'; end loop; end $$`;

export const queueFaults: readonly Fault[] = [
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
