import { beforeAll, describe, expect, it } from 'vitest';
import { formatBeijing, formatBeijingDate } from '../../src/beijing.ts';
import { day } from '../support/clock.ts';
import { createCliWorld } from './cli-world.ts';

describe('status at a terminal', () => {
  const world = createCliWorld({
    settings: {
      ...{ TOKENS: 'BTC,ETH', GRANULARITIES: '1d', METRICS: 'mention_count' },
      HISTORY_START: formatBeijingDate(Date.now() - 20 * day),
    },
  });
  const status = async (...options: string[]) => {
    const { code, stdout, stderr } = await world.run(['status', ...options]);
    expect(code, stderr).toBe(0);
    for (const line of stdout.split('\n')) expect(line.length, line).toBeLessThanOrEqual(80);
    return stdout;
  };

  it('begins with what to do where nothing was ever fetched', async () => {
    const [first, second, third] = (await status()).split('\n');
    expect(first).toBe('NOTHING YET: nothing was ever asked of the API');
    expect(second).toMatch(/^ {2}run `start` and leave it running/);
    expect(third).toMatch(/^filling 0\.0 %, \d+ values left; nothing was filled in the last ten minutes/);
  });

  it('says how far the history is, and how long the rest takes at the pace of the last ten minutes', async () => {
    const half = await world.run(['backfill', '--from', '-10d', '--to', 'now']);
    expect(half.code, half.stderr).toBe(0);
    const { filling } = JSON.parse(await status('--json')) as {
      filling: { left: number; share: number; perSecond: number; secondsLeft: number };
    };
    expect(filling.share).toBeGreaterThan(0.4);
    expect(filling.secondsLeft).toBeCloseTo(filling.left / filling.perSecond, 6);
    const percent = (Math.floor(filling.share * 1000) / 10).toFixed(1);
    expect((await status()).split('\n')[0]).toMatch(
      new RegExp(`^filling ${percent.replace('.', '\\.')} %, .* left$`),
    );
  });

  describe('where all is here', () => {
    beforeAll(async () => {
      const { code, stderr } = await world.run(['backfill', '--from', '-30d', '--to', 'now']);
      expect(code, stderr).toBe(0);
    });

    it('says that all is well', async () => {
      expect((await status()).split('\n')[0]).toBe('all is well: every window that is due is here');
      expect(JSON.parse(await status('--json'))).toMatchObject({ troubles: [], filling: null });
    });

    it('begins with what is wrong, the worst first, in the zone that is asked for', async () => {
      const since = new Date(Date.now() - 3_600_000);
      await world.database.pool.query(
        `insert into cryptoracle.breaker (code, reason, opened_at, probe_at) values (202, 'unauthorized', $1, $1)`,
        [since],
      );
      await world.database.pool.query(
        `insert into cryptoracle.events (at, until, is_open, kind, message)
         values ($1, $1, true, 'queue outage', 'the Redis of the queue takes no writes: READONLY'),
           ($1, $1, false, 'api outage', 'over')`,
        [since],
      );
      await world.database.pool.query(
        "delete from cryptoracle.metrics_1d where time > now() - interval '6 days'",
      );
      const lines = (await status()).split('\n').filter((line) => /^[A-Z]{2,} ?[A-Z]*/.test(line));
      expect(lines).toEqual([
        `ACCESS REFUSED since ${formatBeijing(since.getTime()).slice(0, 16)}: unauthorized`,
        expect.stringMatching(/^QUEUE OUTAGE since .*: the Redis of the queue takes no/),
        'READONLY',
        expect.stringMatching(/^LATE since .*: 1d by \d windows/),
        'FEW TOKENS: in the newest window 1d has 0 of usually 2',
        expect.stringMatching(/^DROPPED HERE: \d+ values of 1d/),
      ]);
      const utc = since.toISOString().slice(0, 16).replace('T', ' ');
      expect(await status('--utc')).toContain(`ACCESS REFUSED since ${utc}: unauthorized`);
    });
  });
});
