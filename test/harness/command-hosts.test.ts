import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, inject, it } from 'vitest';
import { CommandHosts } from '../../harness/command-hosts.ts';
import { createFolder, runCli, startCli } from '../commands/cli.ts';

describe('a command that shares a process with others', () => {
  const folder = createFolder();
  writeFileSync(join(folder, '.env'), 'GRANULARITIES=1h\n');

  it.each([
    ['help', ['backfill', '--help'], {}],
    ['a mistake on the command line', ['gaps', '--from', 'never'], {}],
    ['a mistake in the settings', ['status'], { HTTP_PORT: 'eighty' }],
    ['a server that is away', ['status'], { DATABASE_URL: 'postgresql://127.0.0.1:1/x' }],
    ['a warning and a result', ['doctor', '--json'], { CRYPTORACLE_SECRET: 'x', LOG_LEVEL: 'debug' }],
  ] as const)('ends and prints as one of its own: %s', async (_, args, settings) => {
    const [shared, alone] = await Promise.all([
      runCli(folder, args, settings),
      startCli(folder, args, settings).ended,
    ]);
    expect(shared).toEqual(alone);
  });

  it('leaves the next one neither its options, nor its settings, nor its folder', async () => {
    const before = await startCli(folder, ['status', '--json']).ended;
    await runCli(createFolder(), ['gaps', '--from', '2025-01-01', '--json'], { DATA_DIR: 'elsewhere' });
    expect(await runCli(folder, ['status', '--json'])).toEqual(before);
  });

  it('may crash: its code and its words are known, and the next one runs', async () => {
    const crashing = join(folder, 'crashing.mjs');
    writeFileSync(
      crashing,
      `const [, , word] = process.argv;
       console.log(word);
       if (word === 'crash') setTimeout(() => { throw new Error('torn'); });
       if (word === 'crash') await new Promise(() => {});
       process.exit(7);`,
    );
    const hosts = new CommandHosts(inject('commandHost'), crashing);
    const run = (word: string) => hosts.run({ args: [word], cwd: folder, environment: {} });
    const [crash, next] = [await run('crash'), await run('next')];
    expect(crash).toMatchObject({ code: 1, stdout: 'crash\n', stderr: expect.stringContaining('torn') });
    expect(next).toEqual({ code: 7, stdout: 'next\n', stderr: '' });
  });
});
