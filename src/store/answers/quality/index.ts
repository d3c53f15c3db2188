export { runQualityChecks, runQualityChecksIfFree } from './check.ts';
export { noteWritten } from './due.ts';
export { tellChecks } from './tell.ts';
