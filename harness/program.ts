import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundle } from '../scripts/build.ts';

/** Files of the program as it is built. */
export interface BuiltProgram {
  /** The file for `node` to run. */
  readonly cli: string;
  /** The file for `node` to import first where the clock shall be wrong. */
  readonly skewedClock: string;
}

/** The program, from the sources as they are now. */
export interface Program extends BuiltProgram {
  /** The file for `node` that runs many commands in one process. */
  readonly commandHost: string;
  remove(): void;
}

const root = fileURLToPath(new URL('..', import.meta.url));

export async function bundleProgram(): Promise<Program> {
  const cache = join(root, '.cache');
  mkdirSync(cache, { recursive: true });
  const folder = mkdtempSync(join(cache, 'program-'));
  await bundle(folder, {
    cli: 'src/cli.ts',
    'skewed-clock': 'harness/skewed-clock.ts',
    'command-host': 'harness/command-host.ts',
  });
  return {
    cli: join(folder, 'cli.js'),
    skewedClock: join(folder, 'skewed-clock.js'),
    commandHost: join(folder, 'command-host.js'),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
