import { afterAll, beforeAll, describe, expect, inject } from 'vitest';
import type { Fault } from '../../chaos/faults/fault.ts';
import { faults, isPossible } from '../../chaos/faults/index.ts';
import { phases } from '../../chaos/phases.ts';
import { beginWhereLittleIsLeft, judge } from '../../chaos/verdict.ts';
import { type QueueKind, World } from '../../chaos/world.ts';
import { Random } from '../../harness/random.ts';

/** Faults of `npm run chaos`, brought about within tests: a storm in the suite, the most telling ones one by one as drills. */

export interface Chaos {
  readonly world: World;
  /** Brings faults about, one after the other, and ends each; each strikes while half of the work is left. */
  strike(...names: readonly string[]): Promise<void>;
  /** Brings faults about, one right after the other, in the fill that is under way. */
  strikeOnTop(...names: readonly string[]): Promise<void>;
  /** Waits until everything has healed, and compares every cell with the API's truth. */
  expectNothingLost(): Promise<void>;
}

/**
 * @param options `historyDays`: how much is fetched, enough work for a disaster to strike
 */
export function describeChaos(
  queue: QueueKind,
  { historyDays }: { readonly historyDays: number },
  suite: (chaos: () => Chaos) => void,
): void {
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
      // Of 8 tokens and 13 metrics, at least this many windows of each day are due whatever the hour.
      expect(cells).toBeGreaterThan(historyDays * 8 * 13 * 120);
    };
    const strike = async (...names: readonly string[]) => {
      for (const name of names) {
        const fault = faultOf(name, world);
        await beginWhereLittleIsLeft(world);
        await fault.strike(world, random);
        await world.revive();
      }
    };
    const strikeOnTop = async (...names: readonly string[]) => {
      for (const name of names) await faultOf(name, world).strike(world, random);
    };
    suite(() => ({ world, strike, strikeOnTop, expectNothingLost }));
  });
}

function faultOf(name: string, world: World): Fault {
  const fault = faults.find((each) => each.name === name);
  if (fault === undefined || !isPossible(fault, world)) throw new Error(`no such fault here: ${name}`);
  return fault;
}

export const everyPhase = phases.map(({ name }) => name);

/** Begins a fill, and kills a worker in each of these phases of a job. */
export async function killIn(world: World, names: readonly string[]): Promise<void> {
  const chosen = phases.filter(({ name }) => names.includes(name));
  if (chosen.length !== names.length) throw new Error(`no such phases: ${names.join()}`);
  const victims = chosen.map(() => world.spawn('worker'));
  await Promise.all(victims.map((victim) => victim.ready()));
  await world.begin();
  // Slow enough for work to be left in the last phase.
  world.simulator.setFaults({ slow: { probability: 1, milliseconds: 2000 } });
  await world.answered(1);
  for (const [order, { reach }] of chosen.entries()) {
    const release = await reach(world);
    try {
      await victims[order]?.kill();
    } finally {
      await release();
    }
  }
  world.simulator.setFaults({});
}
