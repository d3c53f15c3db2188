import { writeFileSync } from 'node:fs';
import { files } from './generate/files.ts';

/** Writes the dashboards and alert rules anew, after the catalogue or what is under `generate/` has changed. */
for (const [path, text] of files) writeFileSync(new URL(path, import.meta.url), text);
