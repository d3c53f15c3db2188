import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

/** Leaves the program built after `npm ci`. An installation without the packages of development cannot build it. */

const { resolve } = createRequire(import.meta.url);
try {
  for (const name of ['tsx', 'esbuild']) resolve(name);
} catch {
  process.exit();
}
const build = fileURLToPath(new URL('build.ts', import.meta.url));
process.exitCode = spawnSync(process.execPath, ['--import', 'tsx', build], { stdio: 'inherit' }).status ?? 1;
