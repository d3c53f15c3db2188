import fc from 'fast-check';
import { asToken, type MetricCode, type Token } from '../../../src/catalog/index.ts';

/** Things that may have happened to a few cells, and, worked out cell by cell, why those without a value have none. */

export const tokens = ['BTC', 'ETH', 'XRP'].map(asToken);
export const [first, second, third] = ['CO-A-01-01', 'CO-A-01-02', 'CO-A-01-03'] as const;
export const metrics: readonly MetricCode[] = [first, second, third];
/** Hours, from the start of the others. */
export const windows = 24;

/** One thing that happened: an answer with values for some of its cells, and rejects; or a failure. */
export interface Event {
  readonly tokens: readonly Token[];
  readonly metrics: readonly MetricCode[];
  readonly from: number;
  readonly to: number;
  /** Cells with a value, as `token metric window`; `undefined` where the call failed. */
  readonly values: ReadonlySet<string> | undefined;
  /** Whether nothing came, which is not believed. */
  readonly isDoubted?: boolean;
  readonly rejected: readonly {
    readonly token: Token;
    readonly metric: MetricCode;
    readonly window: number;
  }[];
}

export const cellName = (token: string, metric: string, window: number) => `${token} ${metric} ${window}`;

export const event: fc.Arbitrary<Event> = fc
  .record({
    tokens: fc.subarray([...tokens], { minLength: 1 }),
    metrics: fc.subarray([...metrics], { minLength: 1 }),
    from: fc.oneof(fc.constant(0), fc.nat(windows - 1)),
    length: fc.oneof(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 18, max: windows })),
    kind: fc.constantFrom('values', 'nothing', 'doubted', 'failure'),
    seed: fc.array(fc.boolean(), { minLength: 7, maxLength: 7 }),
    rejects: fc.array(fc.record({ token: fc.nat(2), metric: fc.nat(2), window: fc.nat(windows - 1) }), {
      maxLength: 1,
    }),
  })
  .map(({ tokens, metrics, from, length, kind, seed, rejects }) => {
    const to = Math.min(windows, from + length);
    const cells = tokens.flatMap((token) =>
      metrics.flatMap((metric) =>
        Array.from({ length: to - from }, (_, number) => cellName(token, metric, from + number)),
      ),
    );
    const values = new Set(kind === 'values' ? cells.filter((_, index) => seed[index % 7]) : []);
    const rejected = rejects.flatMap((place) => {
      const token = tokens[place.token];
      const metric = metrics[place.metric];
      return token === undefined || metric === undefined ? [] : [{ token, metric, window: place.window }];
    });
    return {
      ...{ tokens, metrics, from, to },
      values: kind === 'failure' ? undefined : values,
      isDoubted: kind === 'doubted',
      rejected: kind === 'failure' || kind === 'doubted' ? [] : rejected,
    };
  });

/** Metrics that the versions of the API lack. */
export const missing = { v1: [], 'v2.1': [first, second] } as const;
export const version = fc.constantFrom('v1' as const, 'v2.1' as const);

/** Events after which, with the third metric refused, there are cells for every reason. */
export const everyReason: Event[] = [
  {
    tokens: tokens.slice(0, 1),
    metrics: [first, second],
    from: 4,
    to: 10,
    values: new Set([cellName('BTC', first, 6), cellName('BTC', second, 7)]),
    rejected: [{ token: asToken('BTC'), metric: first, window: 8 }],
  },
  { tokens: tokens.slice(0, 1), metrics: [first], from: 12, to: 14, values: undefined, rejected: [] },
  { tokens: tokens.slice(1, 2), metrics: [first, second], from: 0, to: 24, values: new Set(), rejected: [] },
  {
    ...{ tokens: tokens.slice(2), metrics: [first], from: 2, to: 5 },
    ...{ values: new Set<string>(), isDoubted: true, rejected: [] },
  },
];

/** The reasons of all cells without a value, worked out cell by cell. */
export function expectedReasons(
  events: readonly Event[],
  refused: ReadonlySet<string>,
  unserved: ReadonlySet<string>,
): Map<string, string> {
  const answered = new Set<string>();
  const failed = new Set<string>();
  const suspect = new Set<string>();
  const values = new Set<string>();
  const rejected = new Set<string>();
  const note = ({ values, isDoubted }: Event, name: string) => {
    if (values === undefined) failed.add(name);
    else if (isDoubted !== true) {
      answered.add(name);
      suspect.delete(name);
    } else if (!answered.has(name)) suspect.add(name);
  };
  for (const each of events) {
    for (const token of each.tokens)
      for (const metric of each.metrics)
        for (let window = each.from; window < each.to; window++) note(each, cellName(token, metric, window));
    for (const name of each.values ?? []) values.add(name);
    for (const { token, metric, window } of each.rejected) rejected.add(cellName(token, metric, window));
  }
  const all = Array.from({ length: windows }, (_, window) => window);
  const entitled = metrics.filter((metric) => !refused.has(metric) && !unserved.has(metric));
  const reasons = new Map<string, string>();
  for (const token of tokens) {
    const withValue = all.filter((window) =>
      metrics.some((metric) => values.has(cellName(token, metric, window))),
    );
    const isUnavailable =
      withValue.length === 0 &&
      values.size > 0 &&
      ![...rejected].some((name) => name.startsWith(token)) &&
      entitled.length > 0 &&
      entitled.every(
        (metric) => all.filter((window) => answered.has(cellName(token, metric, window))).length >= 20,
      );
    for (const metric of metrics) {
      for (const window of all) {
        const name = cellName(token, metric, window);
        if (values.has(name)) continue;
        const history = withValue[0];
        if (isUnavailable) reasons.set(name, 'not available');
        else if (suspect.has(name)) reasons.set(name, 'suspect');
        else if (!answered.has(name))
          reasons.set(
            name,
            unserved.has(metric)
              ? 'not in this API version'
              : refused.has(metric)
                ? 'not entitled'
                : failed.has(name)
                  ? 'failed'
                  : 'not asked yet',
          );
        else if (rejected.has(name)) reasons.set(name, 'quarantined');
        else if (history !== undefined && window < history) reasons.set(name, "before the token's history");
        else reasons.set(name, 'empty at the source');
      }
    }
  }
  return reasons;
}
