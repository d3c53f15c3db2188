import { beforeAll, describe, expect, it } from 'vitest';
import { value } from '../support/database.ts';
import { expectMistake } from './cli.ts';
import { createCliWorld } from './cli-world.ts';

interface Event {
  readonly kind: string;
  readonly at: string;
  readonly until: string;
  readonly isOpen: boolean;
  readonly subject: string;
  readonly message: string;
}

describe('events', () => {
  const world = createCliWorld({ settings: { TOKENS: 'BTC,ETH', GRANULARITIES: '1d' } });
  const list = async (...options: string[]) => {
    const { code, stdout, stderr } = await world.run(['events', '--json', ...options]);
    expect(code, stderr).toBe(0);
    return JSON.parse(stdout) as Event[];
  };

  beforeAll(async () => {
    world.simulator.refuseMetric('CO-A-02-05');
    const part = ['--granularity', '1d', '--metric', 'mention_count,sentiment_consensus'];
    const filled = await world.run(['backfill', '--from', '-5d', '--to', '-2d', ...part, '--json']);
    expect(filled.code, filled.stderr).toBe(0);
  });

  it('tell what a backfill met, the newest first', async () => {
    const events = await list();
    expect(events.map(({ kind }) => kind).filter((kind) => /order|metric/.test(kind))).toEqual([
      'order done',
      'metric refused',
      'order placed',
    ]);
    const times = events.map(({ at }) => at);
    expect(times.toSorted().toReversed()).toEqual(times);
    const [refused] = await list('--kind', 'metric refused');
    expect(refused).toMatchObject({ subject: 'CO-A-02-05', isOpen: true });
    const since = await value<Date>(
      world.database,
      "select refused_since from cryptoracle.entitlements where metric = 'CO-A-02-05'",
    );
    expect(refused?.at).toBe(since.toISOString());
    expect(await list('--open')).toEqual([refused]);
  });

  it('are read at a terminal of 80 columns, in Beijing or in UTC', async () => {
    for (const [options, zone] of [
      [[], 'Beijing'],
      [['--utc'], 'UTC'],
    ] as const) {
      const { stdout } = await world.run(['events', '--kind', 'metric refused,order placed', ...options]);
      for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
      const [refused] = await list('--kind', 'metric refused');
      const shift = zone === 'UTC' ? 0 : 8 * 3_600_000;
      const at = new Date(Date.parse(refused?.at ?? '') + shift).toISOString().slice(0, 16).replace('T', ' ');
      expect(stdout).toContain(`${at}  METRIC REFUSED`);
      expect(stdout).toContain(`(times in ${zone})`);
    }
  });

  it('are chosen by time and kind, and a mistake is one line', async () => {
    expect(await list('--since', '-1h', '--kind', 'order placed')).toHaveLength(1);
    expect(await list('--before', 'yesterday')).toEqual([]);
    expect(await list('--limit', '1')).toHaveLength(1);
    expectMistake(await world.run(['events', '--kind', 'earthquake']), [
      '--kind',
      "'earthquake'",
      'api outage',
    ]);
    expectMistake(await world.run(['events', '--since', 'today', '--before', '-3d']), [
      '--since',
      '--before',
    ]);
  });

  it('make no database where there is none', async () => {
    const { DATABASE_URL: _, ...settings } = world.settings;
    const { DATABASE_URL: none } = { DATABASE_URL: '' };
    expectMistake(await world.run(['events'], { ...settings, DATABASE_URL: none, DATA_DIR: 'nowhere' }), [
      'nowhere',
    ]);
  });
});
