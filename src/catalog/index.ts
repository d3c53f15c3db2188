export * from './catalogue.ts';
export * from './granularities.ts';
export * from './identity.ts';
export * from './metric.ts';
export * from './metrics.ts';
export * from './tags.ts';
export * from './tokens.ts';
export * from './versions.ts';
