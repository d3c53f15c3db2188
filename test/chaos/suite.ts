import { afterAll, beforeAll, describe, expect, inject } from 'vitest';
import { faults, isPossible } from '../../chaos/faults/index.ts';
import { phases } from '../../chaos/phases.ts';
import { beginWhereLittleIsLeft, judge } from '../../chaos/verdict.ts';
import { type QueueKind, World } from '../../chaos/world.ts';
import { Random } from '../../harness/random.ts';

/**
 * The most telling faults of `npm run chaos`, which brings about all of them, with both queues, day by day. Each queue
 * fails in its own way here; the database's failures and the phases of a job are brought about with one of them.
 */

export interface Chaos {
  readonly world: World;
  /** Brings faults about, one after the other, and ends each. */
  strike(...names: readonly string[]): Promise<void>;
  /** Waits until everything has healed, and compares every cell with the API's truth. */
  expectNothingLost(): Promise<void>;
}

/** Two days of history: enough work for a disaster to strike. */
const historyDays = 2;

export function describeChaos(queue: QueueKind, suite: (chaos: () => Chaos) => void): void {
  describe(`with the queue in ${queue} nothing is lost when`, { timeout: 180_000 }, () => {
    let world: World;
    const random = new Random(7);
    beforeAll(async () => {
      const program = { cli: inject('program'), skewedClock: inject('skewedClock') };
      world = await World.create({ queue, seed: 7, historyDays, program });
    });
    afterAll(() => world.close());

    const expectNothingLost = async () => {
      await world.revive();
      const { cells, ...found } = await judge(world);
      expect(found).toEqual({ lost: 0, wrong: 0, repeated: 0, gaps: 0, complaints: [] });
      expect(cells).toBeGreaterThan(20_000);
    };
    const strike = async (...names: readonly string[]) => {
      for (const name of names) {
        const fault = faults.find((each) => each.name === name);
        if (fault === undefined || !isPossible(fault, world)) throw new Error(`no such fault here: ${name}`);
        await beginWhereLittleIsLeft(world);
        await fault.strike(world, random);
        await world.revive();
      }
    };
    suite(() => ({ world, strike, expectNothingLost }));
  });
}

/** Kills a worker in each phase of a job, all of them in one fill. */
export async function killInEveryPhase(world: World): Promise<void> {
  const victims = phases.map(() => world.spawn('worker'));
  await Promise.all(victims.map((victim) => victim.ready()));
  await world.begin();
  // Slow enough for work to be left in the last phase.
  world.simulator.setFaults({ slow: { probability: 1, milliseconds: 2000 } });
  await world.answered(1);
  for (const [order, { reach }] of phases.entries()) {
    const release = await reach(world);
    try {
      await victims[order]?.kill();
    } finally {
      await release();
    }
  }
  world.simulator.setFaults({});
}
