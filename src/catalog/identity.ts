/** Parameters of a metric, as the API takes them in `extraParams` (v1.1 page): names and plain values. */
export type MetricParams = Readonly<Record<string, string | number | boolean>>;

/**
 * What names a series: the API's code, and its parameters in the order of their names, escaped as in an address, so that
 * the name survives a list with commas. The same parameters in another order are the same series.
 */
export function seriesCode(endpoint: string, params: MetricParams): string {
  const pairs = Object.keys(params)
    .sort()
    .map((key) => `${encodeURIComponent(key)}=${encodeURIComponent(String(params[key]))}`);
  return pairs.length === 0 ? endpoint : `${endpoint}?${pairs.join('&')}`;
}
