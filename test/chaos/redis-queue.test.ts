import { spawnSync } from 'node:child_process';
import { describe, it } from 'vitest';
import { describeChaos, everyPhase, killIn } from './suite.ts';

describe.skipIf(spawnSync('redis-server', ['--version']).status !== 0)('chaos', () => {
  describeChaos('Redis', { historyDays: 2 }, (chaos) => {
    it('Redis is killed, and comes back empty', async () => {
      const { strike, expectNothingLost } = chaos();
      await strike('queue: Redis killed, away for 2 s, back empty');
      await expectNothingLost();
    });

    it('workers are killed in every phase of a job, and the API fails in all its ways', async () => {
      const { world, expectNothingLost } = chaos();
      await killIn(world, everyPhase);
      world.failInAllWays(0.3);
      await expectNothingLost();
    });
  });
});
