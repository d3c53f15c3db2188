import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Fault, faults, isPossible } from '../../chaos/faults.ts';
import { phases } from '../../chaos/phases.ts';
import { type QueueKind, World } from '../../chaos/world.ts';
import { Random } from '../../harness/random.ts';

/**
 * A short part of `npm run chaos`; the storm draws from all of it. Each queue backend fails in its own ways, and gets the
 * storm; the database's failures and the phases of a job are brought about on one of them.
 */
export function describeChaos(queue: QueueKind, isPossibleHere = true): void {
  describe.skipIf(!isPossibleHere)(`with the queue in ${queue}`, { timeout: 240_000 }, () => {
    let world: World;
    const random = new Random(7);
    beforeAll(async () => {
      world = await World.create({ queue, seed: 7 });
    });
    afterAll(() => world.close());

    async function expectNothingLost(): Promise<void> {
      await world.revive();
      const { cells, ...found } = await world.judge();
      expect(found).toEqual({ lost: 0, wrong: 0, repeated: 0, gaps: 0, complaints: [] });
      expect(cells).toBeGreaterThan(50_000);
    }

    async function strike(isMeant: (fault: Fault) => boolean): Promise<number> {
      const meant = faults.filter((fault) => isMeant(fault) && isPossible(fault, world));
      for (const fault of meant) {
        await world.beginWhereLittleIsLeft();
        await fault.strike(world, random);
        await world.revive();
      }
      return meant.length;
    }

    async function killInEveryPhase(): Promise<void> {
      // One for each phase, so that all of them happen in one fill.
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
      await expectNothingLost();
    }

    it('nothing is lost when the queue fails, one way after the other', async () => {
      await world.begin();
      expect(await strike(({ name }) => name.startsWith('queue:'))).toBe(queue === 'Redis' ? 3 : 1);
      await expectNothingLost();
    });

    // Either is the same for both.
    if (queue === 'Redis') {
      it('nothing is lost when workers are killed in every phase of a job', killInEveryPhase);
    } else {
      it('nothing is lost when the database fails, one way after the other', async () => {
        await world.begin();
        expect(await strike(({ name }) => name.startsWith('database:'))).toBeGreaterThanOrEqual(4);
        await expectNothingLost();
      });
    }

    it('nothing is lost when the API fails in all its ways while processes die and come back', async () => {
      await world.begin();
      expect(await strike(({ name }) => name.startsWith('storm'))).toBe(1);
      await expectNothingLost();
    });
  });
}
