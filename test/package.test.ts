import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, it } from 'vitest';
import { createTemporaryFolder } from '../harness/leftovers.ts';
import { onFileEnd } from './support/releasers.ts';

it.each([
  ['a checkout', ['package.json', 'package-lock.json'], 'npm run cryptoracle --'],
  ['an installed package or an image', ['package.json'], 'cryptoracle'],
])('commands are advised in %s as they are called there', async (_, files, expected) => {
  const folder = createTemporaryFolder('package');
  onFileEnd(async () => folder.remove());
  mkdirSync(join(folder.path, 'src'));
  for (const file of files) writeFileSync(join(folder.path, file), '{"type":"module"}');
  const copy = join(folder.path, 'src', 'package.ts');
  cpSync(new URL('../src/package.ts', import.meta.url), copy);
  const { invocation, packageFolder } = await import(pathToFileURL(copy).href);
  expect([invocation, packageFolder]).toEqual([expected, folder.path]);
});
