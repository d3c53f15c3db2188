import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundle } from '../scripts/build.ts';

/** The program as it is built, from the sources as they are now. */
export interface Program {
  /** What `node` is to run. */
  readonly cli: string;
  /** What `node` is to import first where the clock shall be wrong. */
  readonly skewedClock: string;
  remove(): void;
}

const root = fileURLToPath(new URL('..', import.meta.url));

export async function bundleProgram(): Promise<Program> {
  const cache = join(root, '.cache');
  mkdirSync(cache, { recursive: true });
  const folder = mkdtempSync(join(cache, 'program-'));
  await bundle(folder, { cli: 'src/cli.ts', 'skewed-clock': 'harness/skewed-clock.ts' });
  return {
    cli: join(folder, 'cli.js'),
    skewedClock: join(folder, 'skewed-clock.js'),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
