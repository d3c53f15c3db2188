import { bundledCatalogue, type MetricCode } from '../../src/catalog/index.ts';

/** What v1 has, as the simulator speaks it unless told otherwise. */
export const v1Metrics: readonly MetricCode[] = bundledCatalogue.served(bundledCatalogue.codes, 'v1');

/** The metrics of v1's page. Figures that were worked out by hand are about these, however many v1 has come to have. */
export const thirteenMetrics: readonly MetricCode[] = v1Metrics.slice(0, 13);
