import { readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, inject, it } from 'vitest';
import { commands } from '../../src/commands/index.ts';
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
    const names = Array.from(listed, ([, name = '']) => name).filter((name) => name !== 'help');
    expect(names).toEqual(commands.map(({ name }) => name));
    for (let first = 0; first < names.length; first += 4) {
      const some = names.slice(first, first + 4);
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

  it('knows each command by the name that the command gives itself', async () => {
    for (const { name, load } of commands) expect((await load()).name()).toBe(name);
  });

  it('takes `help NAME`, and the version from the package', async () => {
    const help = await runCli(folder, ['help', 'gaps'], broken);
    expect(help).toMatchObject({ code: 0, stdout: expect.stringContaining('--reason') });
    const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
    expect(await runCli(folder, ['--version'], broken)).toMatchObject({ code: 0, stdout: `${version}\n` });
  });

  it('costs little: no command is loaded to list them', async () => {
    const loaded = readFileSync(inject('program'), 'utf8');
    // Whatever the entry imports at once is read for `--help`, too.
    const imports = [...loaded.matchAll(/\b(?:import|from) ?["'](\.\/[^"']+)["']/g)].map(([, from]) => from);
    expect(imports.length).toBeGreaterThan(0);
    const sizes = imports.map((from) => statSync(join(dirname(inject('program')), from ?? '')).size);
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(250_000);
  });
});
