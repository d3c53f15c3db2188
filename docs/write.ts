import { writeFileSync } from 'node:fs';
import { generatedPages } from './generate.ts';

/** Writes the generated parts of the documentation anew, after the catalogue has changed. */
const root = new URL('../', import.meta.url);
for (const [path, text] of generatedPages(root)) writeFileSync(new URL(path, root), text);
