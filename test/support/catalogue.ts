import { bundledCatalogue, type MetricCode } from '../../src/catalog/index.ts';

/** What v1 has, as the simulator speaks it unless told otherwise. */
export const v1Metrics: readonly MetricCode[] = bundledCatalogue.served(bundledCatalogue.codes, 'v1');
