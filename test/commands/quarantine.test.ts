import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { storeAnswer } from '../../src/store/answers/write.ts';
import type { Database } from '../../src/store/connection/database.ts';
import { answer, clear, start, storedRows } from '../store/answers/answering.ts';
import { createTestDatabase } from '../support/database.ts';
import { createFolder, type Environment, expectMistake, runCli } from './cli.ts';

const mentions = 'CO-A-01-05';

describe('quarantine', () => {
  const folder = createFolder();
  let database: Database;
  let settings: Environment;
  const run = (...args: string[]) => runCli(folder, ['quarantine', ...args], settings);

  beforeAll(async () => {
    database = await createTestDatabase('plain PostgreSQL');
    settings = { DATABASE_URL: database.url };
  });

  beforeEach(async () => {
    await clear(database);
    const entry = { token: 'BTC', time: start, metric: mentions, part: 'value' } as const;
    await storeAnswer(
      database,
      answer({
        rejects: [
          { ...entry, reason: 'no finite number', raw: { endpoint: mentions, value: '1 234' } },
          // As a program would have left it that could not read this.
          { ...entry, reason: 'malformed', raw: { endpoint: mentions, value: '7' } },
        ],
      }),
    );
  });

  it('lists what is in it, for people and for programs', async () => {
    const [people, programs] = await Promise.all([
      run('list'),
      run('list', '--json', '--reason', 'malformed'),
    ]);
    expect([people.code, programs.code]).toEqual([0, 0]);
    expect(people.stdout).toContain('1h  2025-06-01 00:00  BTC  CO-A-01-05  no finite number');
    expect(people.stdout).toContain('{"endpoint":"CO-A-01-05","value":"1 234"}');
    expect(people.stdout).toContain('2 in quarantine: 1 malformed, 1 no finite number; times in Beijing');
    for (const line of people.stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
    const utc = await run('list', '--utc');
    expect(utc.stdout).toContain('1h  2025-05-31 16:00  BTC');
    expect(utc.stdout).toContain('times in UTC');
    expect(JSON.parse(programs.stdout)).toMatchObject([
      {
        token: 'BTC',
        time: '2025-05-31T16:00:00.000Z',
        reason: 'malformed',
        raw: '{"endpoint":"CO-A-01-05","value":"7"}',
        timesSeen: 1,
        resolution: null,
        request: { from: '2025-05-31T16:00:00.000Z', tokens: ['BTC'] },
      },
    ]);
  });

  it('stores what can be read by now, and lets a person dismiss the rest', async () => {
    const replayed = await run('replay');
    expect(replayed).toMatchObject({
      code: 0,
      stdout: '1 replayed (1 values), 0 superseded by later answers, 1 still cannot be stored\n',
    });
    expect(await storedRows(database)).toMatchObject([{ token: 'BTC', mention_count: 7 }]);
    expect(await run('dismiss', '--token', 'BTC')).toMatchObject({ code: 0, stdout: '1 dismissed\n' });
    expect(await run('list')).toMatchObject({ code: 0, stdout: 'nothing is in quarantine\n' });
    const everything = (await run('list', '--all')).stdout;
    for (const resolution of ['(dismissed)', '(replayed)']) expect(everything).toContain(resolution);
  });

  it('dismisses nothing without being told what', async () => {
    expectMistake(await run('dismiss'), ['--reason']);
  });
});
