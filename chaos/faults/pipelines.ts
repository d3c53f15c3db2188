import { setTimeout as sleep } from 'node:timers/promises';
import { createDatabase } from '../../harness/databases.ts';
import type { World } from '../world.ts';
import type { Fault } from './fault.ts';

/** Whether a process of the program is within a transaction. */
async function isAtWork({ database }: World): Promise<boolean> {
  const { rows } = await database.pool.query<{ isAtWork: boolean }>(
    `select exists (select from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()
       and backend_type = 'client backend' and xact_start is not null) as "isAtWork"`,
  );
  return rows[0]?.isAtWork === true;
}

/** First starts, and pipelines that get in each other's way. */
export const pipelineFaults: readonly Fault[] = [
  {
    name: 'kill -9 of the first migrate',
    strike: async (world, random) => {
      await world.killAll();
      for (let times = 0; times < 3; times++) {
        await world.persist(() => world.database.pool.query('drop schema if exists cryptoracle cascade'));
        const first = world.command(['migrate']);
        await world.until('migrate is at work', () => isAtWork(world));
        await sleep(random.between(0, 1000));
        await first.kill();
      }
      const code = await world.command(['migrate']).ended();
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
        const code = await world.command(['migrate'], environment).ended();
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
];
