import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { createFolder, runCli } from './cli.ts';

/** Settings that no command could work with. */
const broken = { DATABASE_URL: 'nonsense', LOG_LEVEL: 'loud', HTTP_PORT: '-1' };

const backfillOptions = [
  '--from',
  '--to',
  '--granularity',
  '--token',
  '--metric',
  '--dry-run',
  '--max-requests',
];

describe('help', () => {
  const folder = createFolder();

  it('is there for every command with its options, whatever the settings, and starts nothing', async () => {
    const whole = await runCli(folder, ['--help'], broken);
    expect(whole).toMatchObject({ code: 0, stderr: '' });
    const listed = whole.stdout.slice(whole.stdout.indexOf('Commands:')).matchAll(/^ {2}([a-z]+) /gm);
    const commands = Array.from(listed, ([, name = '']) => name).filter((name) => name !== 'help');
    expect(commands).toEqual(
      expect.arrayContaining(['demo', 'start', 'migrate', 'backfill', 'gaps', 'status', 'simulate']),
    );
    for (let first = 0; first < commands.length; first += 4) {
      const some = commands.slice(first, first + 4);
      const helps = await Promise.all(some.map((command) => runCli(folder, [command, '--help'], broken)));
      for (const [position, help] of helps.entries()) {
        expect(help).toMatchObject({ code: 0, stderr: '' });
        expect(help.stdout).toContain(`Usage: cryptoracle ${some[position]}`);
        for (const line of help.stdout.split('\n')) expect(line.length, line).toBeLessThanOrEqual(80);
        for (const option of some[position] === 'backfill' ? backfillOptions : [])
          expect(help.stdout).toContain(option);
      }
    }
    expect(readdirSync(folder)).toEqual([]);
  });
});
