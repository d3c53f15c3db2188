import { it } from 'vitest';
import { describeChaos } from './suite.ts';

describeChaos('PostgreSQL', { historyDays: 2 }, (chaos) => {
  it('the tables of jobs are truncated', async () => {
    const { strike, expectNothingLost } = chaos();
    await strike('queue: job tables truncated');
    await expectNothingLost();
  });

  it('the database is cut off, restarted at once, and runs out of space', async () => {
    const { strike, expectNothingLost } = chaos();
    await strike(
      'database: every connection cut, again and again',
      'database: restarted with -m immediate',
      ...(process.platform === 'linux' ? ['database: disk full (no table may grow)'] : []),
    );
    await expectNothingLost();
  });
});
