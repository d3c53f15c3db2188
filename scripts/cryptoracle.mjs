#!/usr/bin/env node
import { spawnSync } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** Runs the program of this checkout from its build, which is made anew where a source is newer: never a stale one. */

const path = (name) => fileURLToPath(new URL(`../${name}`, import.meta.url));

/** When any of the files was last changed, in milliseconds since the epoch; 0 where there is none. */
function newest(folder) {
  const files = readdirSync(folder, { withFileTypes: true, recursive: true }).filter((entry) =>
    entry.isFile(),
  );
  return Math.max(0, ...files.map((file) => changed(`${file.parentPath ?? file.path}/${file.name}`)));
}

function changed(file) {
  return statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

const program = path('dist/cli.js');
if (
  changed(program) <
  Math.max(newest(path('src')), changed(path('package-lock.json')), changed(path('scripts/build.ts')))
) {
  const build = ['--import', 'tsx', path('scripts/build.ts'), '--keep'];
  const { status } = spawnSync(process.execPath, build, { cwd: path(''), stdio: ['ignore', 2, 2] });
  if (status !== 0) process.exit(status ?? 1);
}

process.argv[1] = program;
await import(program);
