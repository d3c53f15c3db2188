/** Parameters of a metric, as the API takes them in `extraParams` (v1.1 page): names and plain values. */
export type MetricParams = Readonly<Record<string, string | number | boolean>>;

/**
 * The name of a series: the API's code, and its parameters in the order of their names, escaped as in an address, so that
 * the name survives a list with commas. The same parameters in another order are the same series.
 */
export function seriesCode(endpoint: string, params: MetricParams): string {
  const pairs = Object.keys(params)
    .sort()
    .map((key) => `${encodeURIComponent(key)}=${encodeURIComponent(String(params[key]))}`);
  return pairs.length === 0 ? endpoint : `${endpoint}?${pairs.join('&')}`;
}

/** The API's code within the name of a series. */
function endpointOf(code: string): string {
  return code.split('?', 1)[0] ?? code;
}

/**
 * Divides series into as few groups as can be in which no code of the API stands twice: the answer names a value by its
 * code alone, so that two series of one code cannot be told apart in it. One group, the list itself, where all differ.
 */
export function askedApart<Code extends string>(codes: readonly Code[]): (readonly Code[])[] {
  const groups: Code[][] = [];
  const times = new Map<string, number>();
  for (const code of codes) {
    const endpoint = endpointOf(code);
    const before = times.get(endpoint) ?? 0;
    times.set(endpoint, before + 1);
    const group = groups[before];
    if (group === undefined) groups.push([code]);
    else group.push(code);
  }
  return groups.length < 2 ? [codes] : groups;
}
