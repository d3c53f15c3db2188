import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, inject, it } from 'vitest';
import { z } from 'zod';
import { createTemporaryFolder } from '../../harness/leftovers.ts';
import { onFileEnd } from '../support/releasers.ts';

/** The packed file, as somebody installs it who has no checkout. */

const root = fileURLToPath(new URL('../..', import.meta.url));
const manifest = z.object({
  version: z.string(),
  private: z.boolean(),
  license: z.string(),
  dependencies: z.record(z.string(), z.string()),
});
const { version, dependencies } = manifest.parse(
  JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')),
);
const packed = z.array(z.object({ filename: z.string(), files: z.array(z.object({ path: z.string() })) }));

async function run(cwd: string, command: string, args: readonly string[]) {
  const { PATH = '', HOME = '' } = process.env;
  const child = spawn(command, args, {
    cwd,
    env: { PATH, HOME, TOKENS: 'BTC,ETH' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const output = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => {
      output[name] += text;
    });
  }
  const [code] = await once(child, 'close');
  return { code, ...output };
}

describe('the packed file', () => {
  const folder = createTemporaryFolder('packed');
  onFileEnd(async () => folder.remove());
  const home = join(folder.path, 'node_modules', 'cryptoracle-ingest');
  let files: readonly string[] = [];

  beforeAll(async () => {
    // The program is bundled anew for each run; `dist` may be of an earlier one. Everything else is as it is packed.
    const source = join(folder.path, 'source');
    mkdirSync(source);
    for (const name of [
      'package.json',
      'README.md',
      'LICENSE',
      'migrations',
      'catalogue',
      'deploy',
      'docs',
      'grafana',
    ])
      cpSync(join(root, name), join(source, name), { recursive: true });
    for (const name of ['.env.example', 'ARCHITECTURE.md', 'CHANGELOG.md', 'SECURITY.md', 'src', 'test'])
      cpSync(join(root, name), join(source, name), { recursive: true });
    cpSync(dirname(inject('program')), join(source, 'dist'), { recursive: true });
    const { stdout, stderr } = await run(source, 'npm', ['pack', '--ignore-scripts', '--json', '--offline']);
    const [archive] = packed.parse(JSON.parse(stdout));
    expect(archive, stderr).toBeDefined();
    files = archive?.files.map(({ path }) => path) ?? [];
    mkdirSync(home, { recursive: true });
    const unpack = ['-xzf', join(source, archive?.filename ?? ''), '--strip-components=1', '-C', home];
    expect((await run(folder.path, 'tar', unpack)).code).toBe(0);
    // What npm installs beside it, and nothing that is for development only.
    for (const name of Object.keys(dependencies)) {
      const place = join(folder.path, 'node_modules', name);
      mkdirSync(dirname(place), { recursive: true });
      symlinkSync(join(root, 'node_modules', name), place);
    }
  });

  it('holds the program, what it reads, and what people read; no source, no test, no secret', () => {
    const tops = new Set(files.map((path) => path.split('/')[0]));
    expect([...tops].toSorted()).toEqual(
      [
        '.env.example',
        'ARCHITECTURE.md',
        'CHANGELOG.md',
        'LICENSE',
        'README.md',
        'SECURITY.md',
        'package.json',
      ]
        .concat(['catalogue', 'deploy', 'dist', 'docs', 'grafana', 'migrations'])
        .toSorted(),
    );
    expect(files).toContain('dist/cli.js');
    expect(files).toContain('migrations/meta/_journal.json');
    expect(files.filter((path) => path.endsWith('.ts') || /(?:^|\/)\.env$/.test(path))).toEqual([]);
    expect(existsSync(join(home, 'package-lock.json'))).toBe(false);
  });

  it('says its version, and runs the demo in an empty folder', { timeout: 120_000 }, async () => {
    const cwd = join(folder.path, 'empty');
    mkdirSync(cwd, { mode: 0o755 });
    const cli = join(home, 'dist', 'cli.js');
    expect((await run(cwd, process.execPath, [cli, '--version'])).stdout.trim()).toBe(version);
    const demo = await run(cwd, process.execPath, [cli, 'demo', '--days', '1', '--exit']);
    expect(demo.code, demo.stderr).toBe(0);
    expect(demo.stdout).toContain(' cryptoracle status');
    expect(demo.stdout).not.toContain('npm run');
  });
});
