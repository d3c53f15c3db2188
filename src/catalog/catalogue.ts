import { type MetricParams, seriesCode } from './identity.ts';
import type { MetricEntry, MetricRole } from './metric.ts';
import { type BundledCode, bundledMetrics } from './metrics.ts';
import { nearest } from './nearest.ts';
import type { ApiVersion } from './versions.ts';

declare const metricCodeBrand: unique symbol;

/**
 * The name of a series of values in the ledger, the settings and the reports: the API's code, and behind it the
 * parameters where it is asked for with some (`CO-A-01-05?window=7`). Bundled codes are known to the compiler; a user's
 * come from their {@link Catalogue} alone.
 */
export type MetricCode = BundledCode | (string & { readonly [metricCodeBrand]: true });

/** A metric of a {@link Catalogue}. */
export interface Metric extends Omit<MetricEntry, 'code' | 'params'> {
  readonly name: string;
  /** Identity of the series; see {@link MetricCode}. */
  readonly code: MetricCode;
  /** The API's code: what is sent in `endpoints`, and what comes back. */
  readonly endpoint: string;
  /** The parameters that are sent as `extraParams`; empty for most. */
  readonly params: MetricParams;
  readonly origin: 'bundled' | 'user';
}

/**
 * The metrics that there are, in the order of the bundled list and then of the user's file, as seen by a process that
 * speaks one version of the API. A value: it is made when the settings are read, and passed on with the database.
 */
export class Catalogue {
  readonly metrics: readonly Metric[];
  /** Their codes, in the same order. */
  readonly codes: readonly MetricCode[];
  /** The version of the API that is spoken. */
  readonly version: ApiVersion;
  readonly #positions: ReadonlyMap<string, number>;

  /** @throws RangeError where two metrics share a code or a column */
  constructor(metrics: readonly Metric[], version: ApiVersion) {
    this.metrics = metrics;
    this.version = version;
    this.codes = metrics.map(({ code }) => code);
    this.#positions = new Map(this.codes.map((code, position) => [code, position]));
    const columns = new Set(metrics.map(({ column }) => column));
    if (this.#positions.size < metrics.length || columns.size < metrics.length) {
      throw new RangeError('two metrics share a code or a column');
    }
  }

  /** The same metrics for a process that speaks another version. */
  speaking(version: ApiVersion): Catalogue {
    return new Catalogue(this.metrics, version);
  }

  /** Other metrics for the same version. */
  with(metrics: readonly Metric[]): Catalogue {
    return new Catalogue(metrics, this.version);
  }

  has(text: string): text is MetricCode {
    return this.#positions.has(text);
  }

  /**
   * Where the metric stands in the catalogue; rows of values are arrays in this order.
   * @throws RangeError where the catalogue does not have it
   */
  position(code: MetricCode): number {
    const position = this.#positions.get(code);
    if (position === undefined) throw new RangeError(`not in the catalogue: ${code}`);
    return position;
  }

  /** @throws RangeError where the catalogue does not have it */
  metric(code: MetricCode): Metric {
    const metric = this.metrics[this.position(code)];
    if (metric === undefined) throw new RangeError(`not in the catalogue: ${code}`);
    return metric;
  }

  /** Accepts a code (`CO-A-01-05`) or a column's name (`mention_count`), in any case. */
  find(text: string): Metric | undefined {
    const wanted = text.toLowerCase();
    return this.metrics.find(({ code, column }) => code.toLowerCase() === wanted || column === wanted);
  }

  /** The code or column that a misspelt one comes closest to; `undefined` where none is near. */
  nearest(text: string): string | undefined {
    return nearest(
      text,
      this.metrics.flatMap(({ code, column }) => [code, column]),
    );
  }

  /** Those of the codes that a version of the API has; the one that is spoken where none is named. */
  served(codes: readonly MetricCode[], version: ApiVersion = this.version): readonly MetricCode[] {
    return codes.filter((code) => this.has(code) && this.metric(code).versions.includes(version));
  }

  /** The others: those that the version does not have, and those that the catalogue does not know. */
  unserved(codes: readonly MetricCode[], version: ApiVersion = this.version): readonly MetricCode[] {
    const served = new Set(this.served(codes, version));
    return codes.filter((code) => !served.has(code));
  }

  /** The metric that plays a role; each is played by a bundled one. */
  role(role: MetricRole): Metric {
    const metric = this.metrics.find((each) => each.role === role);
    if (metric === undefined) throw new RangeError(`no metric of the catalogue is ${role}`);
    return metric;
  }
}

function metricOf(entry: MetricEntry, origin: Metric['origin']): Metric {
  const { code: endpoint, params = {}, ...rest } = entry;
  // The one place where a code comes into being.
  const name = rest.name ?? sentenceCase(rest.column.replaceAll('_', ' '));
  return { ...rest, name, code: seriesCode(endpoint, params) as MetricCode, endpoint, params, origin };
}

const sentenceCase = (text: string) => text.slice(0, 1).toUpperCase() + text.slice(1);

/**
 * The bundled metrics, and the user's behind them.
 * @throws RangeError where two metrics share a code or a column
 */
export function createCatalogue(
  options: { readonly version?: ApiVersion; readonly userEntries?: readonly MetricEntry[] } = {},
): Catalogue {
  const { version = 'v1', userEntries = [] } = options;
  const metrics = [
    ...bundledMetrics.map((entry) => metricOf(entry, 'bundled')),
    ...userEntries.map((entry) => metricOf(entry, 'user')),
  ];
  return new Catalogue(metrics, version);
}

/** The bundled metrics alone, for v1. */
export const bundledCatalogue: Catalogue = createCatalogue();

/** Its parts, for what is only ever about the bundled metrics. */
export const { metrics, codes: metricCodes }: Pick<Catalogue, 'metrics' | 'codes'> = bundledCatalogue;
export const isMetricCode = (text: string): text is MetricCode => bundledCatalogue.has(text);
export const metricPosition = (code: MetricCode): number => bundledCatalogue.position(code);
export const findMetric = (text: string): Metric | undefined => bundledCatalogue.find(text);
