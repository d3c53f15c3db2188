import { beforeAll, describe, expect, it } from 'vitest';
import { expectMistake } from './cli.ts';
import { createCliWorld } from './cli-world.ts';

describe('lists of changed and of doubtful values', () => {
  const world = createCliWorld({});
  const start = '2025-06-01T00:00:00.000Z';

  beforeAll(async () => {
    await world.database.pool.query(
      `insert into cryptoracle.revisions (granularity, token, time, metric, old, new, revised_at)
       values ('1h', 'BTC', $1, 'CO-A-01-05', 7, 8, '2025-06-01 03:00Z'),
         ('1h', 'ETH', $1, 'CO-A-02-03', null, 0.25, '2025-06-01 04:00Z'),
         ('4h', 'BTC', $1, 'CO-A-01-05', 1, 2, '2025-06-02 03:00Z')`,
      [start],
    );
    await world.database.pool.query(
      `insert into cryptoracle.quality_notes (granularity, token, time, metric, note, value, detail, noted_at)
       values ('1h', 'BTC', $1, 'CO-A-01-05', 'fell to zero at once', 0, 'before: 40', '2025-06-01 05:00Z')`,
      [start],
    );
  });

  const list = async (...args: string[]) => {
    const { code, stdout, stderr } = await world.run([...args, '--json']);
    expect(code, stderr).toBe(0);
    return JSON.parse(stdout) as Record<string, unknown>[];
  };

  it('give the newest first, as far as the options choose them', async () => {
    expect((await list('revisions')).map((each) => each.new)).toEqual([2, 0.25, 8]);
    expect(await list('revisions', '--granularity', '1h', '--metric', 'mention_count')).toEqual([
      {
        ...{ granularity: '1h', token: 'BTC', time: start, metric: 'CO-A-01-05', old: 7, new: 8 },
        revisedAt: '2025-06-01T03:00:00.000Z',
      },
    ]);
    expect(await list('revisions', '--token', 'ETH')).toMatchObject([{ old: null, new: 0.25 }]);
    expect(await list('revisions', '--from', '2025-06-02')).toEqual([]);
    expect(await list('notes', '--to', '2025-06-02')).toMatchObject([
      { note: 'fell to zero at once', notedAt: '2025-06-01T05:00:00.000Z' },
    ]);
  });

  it('are read at a terminal of 80 columns', async () => {
    const { stdout } = await world.run(['revisions', '--utc', '--limit', '2']);
    expect(stdout).toBe(
      '2025-06-01 00:00  4h BTC mention_count: 1 became 2, 2025-06-02 03:00\n' +
        '2025-06-01 00:00  1h ETH net_sentiment: came late as 0.25, 2025-06-01 04:00\n' +
        '3 changed or came late (times in UTC); --limit 3 lists all\n',
    );
    const notes = await world.run(['notes']);
    expect(notes.stdout).toContain('2025-06-01 08:00  1h BTC mention_count: 0, fell to zero at once');
    for (const line of notes.stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
    expect((await world.run(['notes', '--token', 'ETH'])).stdout).toBe('no value is in doubt\n');
  });

  it('tell of a mistake in one line', async () => {
    expectMistake(await world.run(['notes', '--token', 'NOSUCH']), ['--token', 'NOSUCH']);
    expectMistake(await world.run(['revisions', '--metric', 'mention_cnt']), ['mention_count']);
  });
});
