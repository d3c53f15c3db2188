import { spawnSync } from 'node:child_process';
import { describe, it } from 'vitest';
import { describeChaos, killIn } from './suite.ts';

/**
 * One storm for every change: a worker, Redis and the database end one after the other in the middle of a fill, through
 * an API that fails in all its ways. `npm run drills` brings about the faults one by one, with both queues.
 */
describe.skipIf(spawnSync('redis-server', ['--version']).status !== 0)('a storm', () => {
  describeChaos('Redis', { historyDays: 1 }, (chaos) => {
    it('a worker is killed in a transaction, Redis comes back empty, and the database is restarted', async () => {
      const { world, strikeOnTop, expectNothingLost } = chaos();
      await killIn(world, ['inside the transaction, after the values are written']);
      world.failInAllWays(0.3);
      await strikeOnTop(
        'queue: Redis killed, away for 2 s, back empty',
        'database: restarted with -m immediate',
      );
      await expectNothingLost();
    });
  });
});
