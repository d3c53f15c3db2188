/** The views that the first one does not need. */

export { Backfills } from './backfills.tsx';
export { Coverage } from './coverage.tsx';
export { Explorer } from './explorer.tsx';
export { Trouble } from './trouble.tsx';
