import { spawnSync } from 'node:child_process';

/** Where Debian puts the interpreter that its packages are for, and the one of the path. */
const interpreters = ['/usr/bin/python3', 'python3'];

/**
 * A Python that has all of the packages; `undefined` where there is none. They are looked for and not loaded, which takes
 * pandas more than a second.
 */
export function findPython(...packages: readonly string[]): string | undefined {
  const script = 'import importlib.util, sys; sys.exit(not all(map(importlib.util.find_spec, sys.argv[1:])))';
  return interpreters.find((path) => spawnSync(path, ['-c', script, ...packages]).status === 0);
}
