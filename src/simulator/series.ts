import type { Catalogue, MetricCode, MetricKind } from '../catalog/index.ts';
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

/** The series that are asked for, as the catalogue describes their metrics. */
export class SeriesBook {
  /** Those of the catalogue, in its order. */
  readonly listed: readonly Series[];
  readonly #byCode: ReadonlyMap<string, Series>;
  readonly #kinds: ReadonlyMap<string, MetricKind>;

  constructor({ metrics }: Catalogue) {
    this.#kinds = new Map(metrics.map(({ endpoint, kind }) => [endpoint, kind]));
    const listed = metrics.map(
      ({ code, endpoint, params, kind }) => [code, makeSeries(endpoint, paramsText(params), kind)] as const,
    );
    this.listed = listed.map(([, series]) => series);
    this.#byCode = new Map(listed);
  }

  /** @throws RangeError where the catalogue does not have the code */
  ofCode(code: MetricCode): Series {
    const series = this.#byCode.get(code);
    if (series === undefined) throw new RangeError(`not in the catalogue: ${code}`);
    return series;
  }

  /** A metric that nobody has listed is taken for a score. */
  asked(endpoint: string, params = ''): Series {
    return makeSeries(endpoint, params, this.#kinds.get(endpoint) ?? 'score');
  }
}

function makeSeries(endpoint: string, params: string, kind: MetricKind): Series {
  return { endpoint, params, kind, key: hashText(hashText(1, endpoint), params) };
}

/** Parameters as one text that is the same in whichever order they are named. */
export function paramsText(params: unknown): string {
  if (params === undefined || params === null || params === '') return '';
  if (typeof params !== 'object') return String(params);
  if (Array.isArray(params)) return `[${params.map(paramsText).join()}]`;
  const entries = Object.entries(params).map(([name, value]) => `${name}=${paramsText(value)}`);
  return entries.sort().join('&');
}
