export * from './catalog.ts';
export * from './ledger.ts';
export * from './metrics.ts';
export { cryptoracle } from './types.ts';
