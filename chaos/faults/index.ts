import { beginWhereLittleIsLeft } from '../verdict.ts';
import { apiFaults } from './api.ts';
import { databaseFaults } from './database.ts';
import { type Fault, isPossible } from './fault.ts';
import { pipelineFaults } from './pipelines.ts';
import { processFaults } from './processes.ts';
import { queueFaults } from './queue.ts';
import { vendorFaults } from './vendor.ts';

export { type Fault, isPossible } from './fault.ts';

/** Disasters of every kind, one after the other, while the API fails for 20 to 40 % of the calls in all its ways. */
const storm: Fault = {
  name: 'storm: failing API and dying processes, all together',
  strike: async (world, random) => {
    const share = random.between(20, 40) / 100;
    const disasters = [...processFaults, ...queueFaults, ...databaseFaults].filter(
      (fault) => isPossible(fault, world) && fault.isSlow !== true,
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
  ...vendorFaults,
  ...processFaults,
  ...pipelineFaults,
  ...queueFaults,
  ...databaseFaults,
  storm,
];
