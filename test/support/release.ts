import { afterAll } from 'vitest';
import { releaseAll } from './releasers.ts';

/** Read anew for every test file, though modules are shared by those that one process runs. */
afterAll(releaseAll);
