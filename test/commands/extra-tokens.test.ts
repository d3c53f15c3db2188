import { expect, it } from 'vitest';
import { asToken, bundledTokens } from '../../src/catalog/index.ts';
import { describeOnServers, rows } from '../support/database.ts';
import { createCliWorld } from './cli-world.ts';

const ain = asToken('AIN');
const range = [
  '--from',
  '2025-06-01',
  '--to',
  '2025-06-03',
  '--granularity',
  '1d,4h',
  '--metric',
  'net_sentiment',
];

describeOnServers('tokens that the API has and does not list', (kind) => {
  const world = createCliWorld({
    server: kind,
    simulator: {
      market: { tokens: [...bundledTokens.slice(0, 5), { token: ain, name: 'AIN' }], coverage: 'wide' },
      behaviour: { unlistedTokens: new Set([ain]) },
    },
  });
  const storedOfAin = () =>
    rows(
      world.database,
      `select granularity, "time", net_sentiment from cryptoracle.metrics
       where token = 'AIN' and net_sentiment is not null order by granularity, "time"`,
    );

  it('are unknown until EXTRA_TOKENS names them', async () => {
    const refused = await world.run(['backfill', ...range, '--token', 'BTC,AIN']);
    expect(refused).toMatchObject({ code: 1, stdout: '' });
    expect(refused.stderr).toContain("--token: unknown token 'AIN'");
    expect(await storedOfAin()).toEqual([]);
  });

  it('are fetched, reported and exported like any other from then on', async () => {
    const filled = await world.run(['backfill', ...range, '--json'], { EXTRA_TOKENS: ' AIN ,' });
    expect(filled).toMatchObject({ code: 0 });
    const stored = await storedOfAin();
    expect(stored.filter(({ granularity }) => granularity === '4h')).toHaveLength(12);
    for (const { granularity, time, net_sentiment } of stored as {
      granularity: '4h' | '1d';
      time: Date;
      net_sentiment: number;
    }[]) {
      expect(net_sentiment).toBe(
        world.simulator.market.value(granularity, 'AIN', 'CO-A-02-03', time.getTime()),
      );
    }
    // The database knows them by now: whoever looks from elsewhere need not name them again.
    expect(await world.run(['gaps', ...range, '--token', 'AIN'])).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('no gaps'),
    });
    const csv = await world.run(['export', '--granularity', '4h', '--token', 'AIN']);
    expect(csv.stdout.split('\n').filter((line) => line.includes('AIN'))).toHaveLength(12);
  });

  it('stay when the API answers its list again', async () => {
    await world.database.pool.query("delete from cryptoracle.requests where what = 'tokens'");
    expect(await world.run(['backfill', ...range])).toMatchObject({ code: 0 });
    expect(
      await rows(world.database, "select listed, extra from cryptoracle.tokens where token = 'AIN'"),
    ).toEqual([{ listed: true, extra: true }]);
  });
});

describeOnServers('a token in the wrong case', (kind) => {
  const world = createCliWorld({ server: kind });

  it.each([
    [['status', '--token', 'btc'], {}, '--token'],
    [['status'], { TOKENS: 'btc' }, 'TOKENS'],
    [['gaps', '--token', ' btc'], {}, '--token'],
    [['gaps'], { TOKENS: 'ETH, btc' }, 'TOKENS'],
    [['export', '--granularity', '1h', '--token', 'btc'], {}, '--token'],
    [['backfill', ...range, '--token', 'btc', '--dry-run'], {}, '--token'],
    [['backfill', ...range], { TOKENS: 'btc' }, 'TOKENS'],
    [['start'], { TOKENS: 'btc', HTTP_PORT: '0' }, 'TOKENS'],
  ] as const)('is refused by %j with the near one named', async (args, settings, where) => {
    const ended = await world.run(args, settings);
    expect(ended).toMatchObject({ code: 1, stdout: '' });
    expect(ended.stderr).toContain(`${where}: unknown token 'btc' (did you mean BTC?)`);
  });

  it('is what doctor warns of', async () => {
    const { stdout } = await world.run(['doctor'], { TOKENS: 'btc' });
    expect(stdout).toContain("unknown token 'btc' (did you mean BTC?)");
  });

  it('with blanks around it is what it is without them', async () => {
    expect(await world.run(['gaps', '--token', ' BTC , ETH '])).toMatchObject({ code: 0 });
    expect(await world.run(['gaps'], { TOKENS: ' BTC , ETH ' })).toMatchObject({ code: 0 });
  });
});
