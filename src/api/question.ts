import type { Catalogue } from '../catalog/index.ts';
import type { Asked } from './decode.ts';
import type { MetricsQuestion } from './dialect.ts';

/**
 * The question in the API's codes, with the parameters of the series that have some. No code may be asked for twice: see
 * `askedApart`.
 */
export function questionOf(asked: Asked, catalogue: Catalogue): MetricsQuestion {
  const series = asked.metrics.map((code) => catalogue.metric(code));
  const extraParams = series
    .filter(({ params }) => Object.keys(params).length > 0)
    .map(({ endpoint, params }) => ({ endpoint, param: params }));
  return {
    ...asked,
    metrics: series.map(({ endpoint }) => endpoint),
    ...(extraParams.length > 0 ? { extraParams } : {}),
  };
}
