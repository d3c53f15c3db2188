import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { toleratingColumns } from './tolerating-columns.ts';

/** Writes the migration for what has changed in `src/store/schema`: as drizzle-kit does, but for the columns of metrics. */

const folder = new URL('../migrations/', import.meta.url);
const list = () => readdirSync(folder).filter((name) => name.endsWith('.sql'));

const before = new Set(list());
const kit = fileURLToPath(new URL('../node_modules/drizzle-kit/bin.cjs', folder));
const given = process.argv.slice(2);
const { status } = spawnSync(process.execPath, [kit, 'generate', ...given], { stdio: 'inherit' });
process.exitCode = status ?? 1;
for (const name of list().filter((each) => !before.has(each))) {
  const file = new URL(name, folder);
  writeFileSync(file, toleratingColumns(readFileSync(file, 'utf8')));
}
