import { setTimeout as sleep } from 'node:timers/promises';
import { granularities } from '../../src/catalog/index.ts';
import { phases } from '../phases.ts';
import type { Fault } from './fault.ts';

export const processFaults: readonly Fault[] = [
  ...phases.map(
    ({ name, reach }): Fault => ({
      name: `kill -9 of a worker ${name}`,
      strike: async (world, random) => {
        await world.answered(random.between(1, 6));
        // Slow enough for work to be left when the phase is reached.
        world.simulator.setFaults({ slow: { probability: 1, milliseconds: 1000 } });
        const release = await reach(world);
        try {
          await random.pick(world.workers).kill();
        } finally {
          await release();
          world.simulator.setFaults({});
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
      const codes = await Promise.all([1, 2, 3, 4].map(() => world.command(['migrate']).ended()));
      if (codes.some((code) => code !== 0)) throw new Error(`migrate ended with ${codes.join()}`);
    },
  },
  clockFault('26 hours forward, and back', 26),
  clockFault('3 hours back, and right again', -3),
  {
    name: 'kill -9 of everything while clocks are 26 hours ahead',
    isSlow: true,
    strike: async (world) => {
      world.simulator.setFaults({ slow: { probability: 1, milliseconds: 1000 } });
      for (const member of [world.scheduler, ...world.workers]) member.setClock(26 * 3_600_000);
      await sleep(200);
      await world.tick('15m', '1h', 'heal');
      await sleep(6000);
      await world.killAll();
      world.simulator.setFaults({});
      await world.revive();
      await world.tick(...granularities);
    },
  },
];

function clockFault(name: string, hours: number): Fault {
  return {
    name: `clock set ${name}`,
    isSlow: true,
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
