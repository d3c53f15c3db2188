import { describe, expect, it } from 'vitest';
import { value } from '../support/database.ts';
import { expectMistake } from './cli.ts';
import { createCliWorld } from './cli-world.ts';

const range = ['--from', '2025-06-01', '--to', '2025-06-03', '--granularity', '4h', '--token', 'BTC,ETH'];

describe('a backfill that is left to running workers', () => {
  const world = createCliWorld({
    // The pipeline itself wants a single day, so that the workers are free for the order.
    settings: {
      TOKENS: 'BTC,ETH',
      GRANULARITIES: '1d',
      HISTORY_START: '2026-01-01',
      REQUESTS_PER_SECOND: '200',
    },
  });
  const state = (id: number) =>
    value<string>(world.database, `select state from cryptoracle.backfills where id = ${id}`);

  it('is placed without credentials, paused and resumed, and done by the next worker that runs', async () => {
    const without = { CRYPTORACLE_API_KEY: '', CRYPTORACLE_SIGN_SECRET: '' };
    const placed = await world.run(['backfill', ...range, '--detach'], without);
    expect(placed).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^order 1 is left to the workers/),
    });
    expect(await state(1)).toBe('waiting');
    expect(await world.run(['backfill', 'pause', '1'])).toMatchObject({
      code: 0,
      stdout: 'order 1 is paused; `backfill resume 1` goes on with it\n',
    });
    expect(await state(1)).toBe('paused');
    expect(
      JSON.parse((await world.run(['backfill', 'resume', '1', '--detach', '--json'], without)).stdout),
    ).toEqual({
      order: 1,
      state: 'waiting',
    });

    const worker = world.start(['start', '--role', 'worker']);
    await expect.poll(() => state(1), { timeout: 45_000, interval: 100 }).toBe('done');
    worker.process.kill('SIGTERM');
    expect((await worker.ended).code).toBe(0);
    expect(await world.run(['gaps', ...range])).toMatchObject({ stdout: expect.stringContaining('no gaps') });
    expectMistake(await world.run(['backfill', 'pause', '1']), ['order 1 is done']);
  });

  it('takes no bound that nobody would keep', async () => {
    expectMistake(await world.run(['backfill', ...range, '--detach', '--max-requests', '5']), [
      '--max-requests does not go with --detach',
    ]);
    expectMistake(await world.run(['backfill', 'pause', '77']), ['77']);
  });
});
