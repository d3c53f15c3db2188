import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const checkout = fileURLToPath(new URL('../..', import.meta.url));

describe('the program of a checkout', () => {
  let folder = '';
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'checkout-'));
    mkdirSync(join(folder, 'scripts'));
    for (const name of ['scripts/cryptoracle.mjs', 'scripts/build.ts', 'package.json', 'package-lock.json']) {
      copyFileSync(join(checkout, name), join(folder, name));
    }
    cpSync(join(checkout, 'src'), join(folder, 'src'), { recursive: true });
    symlinkSync(join(checkout, 'node_modules'), join(folder, 'node_modules'));
    write('one');
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const source = () => join(folder, 'src/cli.ts');
  const write = (said: string) =>
    writeFileSync(source(), `process.stdout.write('${said} ' + process.argv.slice(2).join());\n`);
  const run = (...args: string[]) => {
    const { stdout, stderr, status } = spawnSync(
      process.execPath,
      [join(folder, 'scripts/cryptoracle.mjs'), ...args],
      { encoding: 'utf8', cwd: tmpdir() },
    );
    return { stdout, stderr, status };
  };

  it('is built where there is no build, from any folder, and gets its arguments', () => {
    expect(run('gaps', '--help')).toEqual({ stdout: 'one gaps,--help', stderr: '', status: 0 });
    expect(existsSync(join(folder, 'dist/cli.js'))).toBe(true);
  });

  it('is never a stale build after an edit, and is not built where nothing was edited', () => {
    write('two');
    utimesSync(source(), new Date(Date.now() + 2000), new Date(Date.now() + 2000));
    expect(run().stdout).toBe('two ');
    writeFileSync(join(folder, 'dist/cli.js'), "process.stdout.write('as it was built');\n");
    utimesSync(source(), new Date(0), new Date(0));
    expect(run().stdout).toBe('as it was built');
  });

  it('is not run where it cannot be built', () => {
    writeFileSync(source(), 'this is no program\n');
    utimesSync(source(), new Date(Date.now() + 4000), new Date(Date.now() + 4000));
    expect(run()).toMatchObject({ stdout: '', stderr: expect.stringContaining('cli.ts'), status: 1 });
  });
});
