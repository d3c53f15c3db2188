import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * The folder of this package, with its `package.json` and `migrations`: the nearest one above this file. It is the same
 * from the sources, from the build and from a bundle, however deep they lie in it.
 */
export const packageFolder = nearest(dirname(fileURLToPath(import.meta.url)));

function nearest(folder: string): string {
  const parent = dirname(folder);
  if (existsSync(join(folder, 'package.json')) || parent === folder) return folder;
  return nearest(parent);
}

/** A checkout has its lock file; an installed package, and an image, have none. */
export const isCheckout = existsSync(join(packageFolder, 'package-lock.json'));

/** How a person calls a command of the program here. */
export const invocation = isCheckout ? 'npm run cryptoracle --' : 'cryptoracle';
