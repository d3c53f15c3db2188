import { type MetricKind, metrics } from '../catalog/index.ts';
import { hashText } from './hash.ts';

/** What values are asked for: a metric, perhaps with parameters; other parameters give another series. */
export interface Series {
  /** The API's code, as in `endpoints`. */
  readonly endpoint: string;
  readonly kind: MetricKind;
  /** The parameters as {@link paramsText} writes them; empty where there are none. */
  readonly params: string;
  /** Stands for the series where chance is drawn. */
  readonly key: number;
}

const kinds: ReadonlyMap<string, MetricKind> = new Map(metrics.map(({ code, kind }) => [code, kind]));

/** A metric that nobody has listed is taken for a score. */
export function seriesOf(endpoint: string, params = '', kind?: MetricKind): Series {
  const key = hashText(hashText(1, endpoint), params);
  return { endpoint, params, key, kind: kind ?? kinds.get(endpoint) ?? 'score' };
}

/** The series of the catalogue, in its order. */
export const catalogueSeries: readonly Series[] = metrics.map(({ code, kind }) => seriesOf(code, '', kind));

/** Parameters as one text that is the same in whichever order they are named. */
export function paramsText(params: unknown): string {
  if (params === undefined || params === null || params === '') return '';
  if (typeof params !== 'object') return String(params);
  if (Array.isArray(params)) return `[${params.map(paramsText).join()}]`;
  const entries = Object.entries(params).map(([name, value]) => `${name}=${paramsText(value)}`);
  return entries.sort().join('&');
}
