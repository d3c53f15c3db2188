export * from './granularities.ts';
export * from './metrics.ts';
export * from './tags.ts';
export * from './tokens.ts';
export * from './versions.ts';
