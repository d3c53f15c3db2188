import { readFileSync } from 'node:fs';
import { bundledCatalogue, type Catalogue, createCatalogue, parseCatalogueFile } from '../catalog/index.ts';
import { UserError } from '../errors.ts';

/**
 * The metrics that there are: the bundled ones, and those of the file.
 *
 * @param path of `CATALOGUE_FILE`
 * @throws UserError naming the one thing to mend first
 */
export function readCatalogue(path: string | undefined): Catalogue {
  if (path === undefined) return bundledCatalogue;
  const file = parseCatalogueFile(readText(path));
  if ('problem' in file) throw new UserError(`CATALOGUE_FILE: ${path}: ${file.problem}`);
  return createCatalogue({ userEntries: file.entries });
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? ` (${String(error.code)})` : '';
    throw new UserError(`CATALOGUE_FILE: cannot read ${path}${code}`);
  }
}
