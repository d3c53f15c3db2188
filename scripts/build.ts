import { cpSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { writePage } from '../src/server/assets/build.ts';

/**
 * Bundles the program with its packages into few files: read one by one, they take five times as long to start. What one
 * command needs lies in chunks that the others do not load.
 */

const root = fileURLToPath(new URL('..', import.meta.url));

/** Packages that are written for `require` find theirs so. */
const banner = `import { createRequire as requireFrom } from 'node:module'; const require = requireFrom(import.meta.url);`;

/** The program alone, without its page. @param entries name of each file in `folder`, and what it is made from */
export async function bundle(folder: string, entries: Readonly<Record<string, string>>): Promise<void> {
  await build({
    entryPoints: Object.fromEntries(Object.entries(entries).map(([name, path]) => [name, join(root, path)])),
    outdir: folder,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    banner: { js: banner },
    splitting: true,
    // A third less to read, parse and hold; names stay, for the traces of errors.
    minifyWhitespace: true,
    lineLimit: 200,
    // Only a checkout builds the page by itself, and has it.
    // bull-board finds the files of its page beside itself.
    external: ['esbuild', '@bull-board/*'],
    logLevel: 'error',
  });
}

/**
 * Builds `dist`. A program that runs from an earlier build still finds its chunks, which are named by their content: the
 * new files are put beside them, the entry last and in one step.
 *
 * @param keep whether the chunks of earlier builds stay
 */
async function buildProgram(keep: boolean): Promise<void> {
  const dist = join(root, 'dist');
  const cache = join(root, '.cache');
  mkdirSync(cache, { recursive: true });
  const fresh = mkdtempSync(join(cache, 'build-'));
  try {
    await bundle(fresh, { cli: 'src/cli.ts' });
    await writePage(join(fresh, 'web'));
    if (!keep) rmSync(dist, { recursive: true, force: true });
    mkdirSync(dist, { recursive: true });
    const entry = 'cli.js';
    for (const name of readdirSync(fresh)) {
      if (name !== entry) cpSync(join(fresh, name), join(dist, name), { recursive: true });
    }
    renameSync(join(fresh, entry), join(dist, entry));
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await buildProgram(process.argv.includes('--keep'));
