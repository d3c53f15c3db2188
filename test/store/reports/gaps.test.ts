import fc from 'fast-check';
import { beforeAll, beforeEach, expect, it } from 'vitest';
import { type ApiVersion, asToken, type MetricCode, type Token } from '../../../src/catalog/index.ts';
import { logRequest } from '../../../src/store/answers/requests.ts';
import { storeAnswer } from '../../../src/store/answers/write.ts';
import type { Database } from '../../../src/store/connection/database.ts';
import { storeDesiredScope } from '../../../src/store/ledger/desired-scope.ts';
import { storeRefused } from '../../../src/store/ledger/entitlements.ts';
import {
  type GapReason,
  gapReasons,
  openReasons,
  readReportedGaps,
} from '../../../src/store/reports/gaps.ts';
import { hour } from '../../support/clock.ts';
import { createTestDatabase, describeOnServers, rows } from '../../support/database.ts';
import { fuzzRuns } from '../../support/fuzz.ts';
import { answer, clear, row, start } from '../answers/answering.ts';

const tokens = ['BTC', 'ETH', 'XRP'].map(asToken);
const [first, second, third] = ['CO-A-01-01', 'CO-A-01-02', 'CO-A-01-03'] as const;
const metrics: readonly MetricCode[] = [first, second, third];
const windows = 24;
const at = (window: number) => start + window * hour;

/** One thing that happened: an answer with values for some of its cells, and rejects; or a failure. */
interface Event {
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

const cellName = (token: string, metric: string, window: number) => `${token} ${metric} ${window}`;

const event: fc.Arbitrary<Event> = fc
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
const missing = { v1: [], 'v2.1': [first, second] } as const;
const version = fc.constantFrom('v1' as const, 'v2.1' as const);

/** Events after which, with the third metric refused, there are cells for every reason. */
const everyReason: Event[] = [
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
function expectedReasons(
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

interface Told {
  readonly token: string;
  readonly metric: string;
  readonly from: number;
  readonly to: number;
  readonly reason: string;
  readonly detail: string | null;
}

describeOnServers('gaps', (kind) => {
  let database: Database;
  beforeAll(async () => {
    database = await createTestDatabase(kind);
  });
  beforeEach(async () => {
    await clear(database);
    await database.pool.query('truncate cryptoracle.entitlements, cryptoracle.wanted, cryptoracle.suspects');
  });

  async function happen(
    { tokens, metrics, from, to, values, isDoubted, rejected }: Event,
    id = 0,
  ): Promise<void> {
    const interval = { start: at(from), end: at(to) };
    if (values === undefined) {
      const outcome = id % 2 === 0 ? 'transient' : 'throttled';
      const call = { what: 'values', lane: 'live', granularity: '1h', code: 500, milliseconds: 0 } as const;
      await logRequest(database, {
        ...call,
        interval,
        tokens,
        metrics,
        outcome,
        message: `error ${id}`,
        at: at(id),
      });
      return;
    }
    const filled = tokens.flatMap((token) =>
      Array.from({ length: to - from }, (_, number) =>
        row(
          token,
          at(from + number),
          Object.fromEntries(
            metrics.map((metric) => [metric, values.has(cellName(token, metric, from + number)) ? 1 : null]),
          ),
        ),
      ),
    );
    await storeAnswer(database, {
      ...answer({
        ...{ tokens, metrics },
        ...{ from: interval.start, to: interval.end, rows: filled },
        rejects: rejected.map(({ token, metric, window }) => ({
          ...{ token, metric, time: at(window), raw: 'x' },
          ...({ reason: 'no finite number', part: 'value' } as const),
        })),
      }),
      isDoubted: isDoubted === true,
    });
  }

  /** What is told about every cell up to the last window, by the function that the command prints. */
  async function told(
    reasons: readonly GapReason[] = gapReasons,
    apiVersion: ApiVersion = 'v1',
  ): Promise<Told[]> {
    const interval = { start: at(0), end: at(windows) };
    const blocks = await readReportedGaps(
      database,
      { granularity: '1h', tokens, metrics, interval, apiVersion },
      reasons,
      Date.now(),
    );
    return blocks.flatMap((block) =>
      block.tokens.flatMap((token) =>
        block.metrics.map((metric) => ({
          ...{ token, metric, from: block.interval.start, to: block.interval.end },
          ...{ reason: block.reason, detail: block.detail },
        })),
      ),
    );
  }

  /** The same by the view, which knows only what is due now: windows closed for as long as this settle delay. */
  async function viewed(where = 'true', apiVersion: ApiVersion = 'v1'): Promise<Told[]> {
    await storeDesiredScope(database, {
      granularities: ['1h'],
      historyStart: at(0) - 30 * 60_000,
      settleDelay: Date.now() - at(windows) - 30 * 60_000,
      ...{ tokens, metrics, tags: [], apiVersion },
    });
    const found = await rows<
      Omit<Told, 'from' | 'to'> & { from: Date; to: Date; granularity: string; windows: number }
    >(
      database,
      `select granularity, token, metric, windows_from as "from", windows_to as "to", windows, reason, detail
       from cryptoracle.gaps where ${where}`,
    );
    return found.map(({ granularity, windows: count, from, to, ...rest }) => {
      expect([granularity, count]).toEqual(['1h', (to.getTime() - from.getTime()) / hour]);
      return { ...rest, from: from.getTime(), to: to.getTime() };
    });
  }

  const sorted = (list: readonly Told[]) =>
    list.map((each) => JSON.stringify(each, ['token', 'metric', 'from', 'to', 'reason', 'detail'])).sort();

  function cells(list: readonly Told[]): Map<string, string> {
    const found = new Map<string, string>();
    for (const { token, metric, from, to, reason } of list) {
      for (let time = from; time < to; time += hour) {
        const name = cellName(token, metric, (time - start) / hour);
        expect(found.has(name), name).toBe(false);
        found.set(name, reason);
      }
    }
    return found;
  }

  it('tell of every cell without a value why, once, whatever happened; the command and the view the same', async () => {
    const seen = new Set<string>();
    await fc.assert(
      fc.asyncProperty(
        fc.array(event, { maxLength: 9 }),
        fc.boolean(),
        version,
        async (events, isRefused, spoken) => {
          await clear(database);
          await database.pool.query('truncate cryptoracle.entitlements, cryptoracle.suspects');
          for (const [id, each] of events.entries()) await happen(each, id);
          const refused = new Set<string>(isRefused ? [third] : []);
          if (isRefused) await storeRefused(database, third, Date.now());
          const expected = expectedReasons(events, refused, new Set(missing[spoken]));
          const all = await told(gapReasons, spoken);
          expect(Object.fromEntries(cells(all))).toEqual(Object.fromEntries(expected));
          expect(sorted(await viewed('true', spoken))).toEqual(sorted(all));
          for (const reason of expected.values()) seen.add(reason);
          for (const reason of gapReasons) {
            const only = await told([reason], spoken);
            expect(sorted(only)).toEqual(sorted(all.filter((each) => each.reason === reason)));
          }
        },
      ),
      {
        numRuns: fuzzRuns(12),
        examples: [
          [everyReason, true, 'v1'],
          [everyReason, true, 'v2.1'],
        ],
      },
    );
    // Else the property would say little.
    // What somebody removed here is tested by itself, see ledger/retention.test.ts.
    const others = gapReasons.filter((reason) => reason !== 'dropped here');
    expect([...seen].sort()).toEqual([...others].sort());
  }, 120_000);

  it('give the last error and its instant, and why something is in quarantine', async () => {
    const nothing = {
      tokens: tokens.slice(0, 1),
      metrics: metrics.slice(0, 1),
      values: undefined,
      rejected: [],
    };
    await happen({ ...nothing, from: 0, to: 4 }, 0);
    await happen({ ...nothing, from: 2, to: 6 }, 1);
    await happen({ ...nothing, from: 3, to: 4 }, 2);
    const rejected = [{ token: asToken('BTC'), metric: second, window: 9 }];
    await happen({ ...nothing, metrics: [second], from: 8, to: 10, values: new Set(), rejected });
    const open = (await told(openReasons)).filter(({ reason }) => reason !== 'not asked yet');
    expect(
      open.map(({ from, to, reason, detail }) => [
        (from - start) / hour,
        (to - start) / hour,
        reason,
        detail,
      ]),
    ).toEqual([
      [9, 10, 'quarantined', 'no finite number'],
      [4, 6, 'failed', 'error 1 (2025-05-31T17:00:00Z)'],
      [0, 4, 'failed', 'error 2 (2025-05-31T18:00:00Z)'],
    ]);
    expect(sorted(await viewed("reason <> 'not asked yet' and reason <> 'empty at the source'"))).toEqual(
      sorted(open),
    );
  });

  it('hold a part of an answer that names no window against all that was asked for without success', async () => {
    await storeAnswer(
      database,
      answer({
        ...{ tokens: ['BTC'], metrics, from: at(2), to: at(5) },
        rows: [row('BTC', at(3), { [first]: 1 })],
        rejects: [
          { reason: 'malformed', part: 'window', raw: 'x', token: 'BTC', time: undefined, metric: undefined },
        ],
      }),
    );
    const quarantined = (await told(['quarantined'])).map(({ metric, from, to }) => [
      metric,
      (from - start) / hour,
      (to - start) / hour,
    ]);
    expect(quarantined.sort()).toEqual(
      [
        [first, 2, 3],
        [first, 4, 5],
        [second, 2, 5],
        [third, 2, 5],
      ].sort(),
    );
    await database.pool.query("update cryptoracle.quarantine set resolution = 'dismissed'");
    expect(await told(['quarantined'])).toEqual([]);
    expect(await told(['empty at the source', "before the token's history"])).toHaveLength(6);
  });

  it('of the view follow what is wanted, which is written where it differs and else left alone', async () => {
    const desired = {
      granularities: ['1h', '1d'] as const,
      historyStart: start,
      settleDelay: 900_000,
      metrics,
      tags: [],
      apiVersion: 'v1' as const,
    };
    const table = () => rows(database, 'select xmin, * from cryptoracle.wanted order by granularity');
    await storeDesiredScope(database, { ...desired, tokens: 'all' }, { onlyIfEmpty: true });
    const written = await table();
    expect(written).toMatchObject([
      { granularity: '1d', history_start: new Date(start), tokens: null, metrics },
      { granularity: '1h', tokens: null },
    ]);
    await storeDesiredScope(database, { ...desired, tokens: 'all' });
    await storeDesiredScope(database, { ...desired, tokens }, { onlyIfEmpty: true });
    expect(await table()).toEqual(written);
    const listed = await rows<{ tokens: number }>(
      database,
      "select count(distinct token)::int as tokens from cryptoracle.gaps where granularity = '1d'",
    );
    expect(listed).toEqual([{ tokens: 200 }]);

    await storeDesiredScope(database, { ...desired, granularities: ['1h'], tokens });
    expect(await table()).toMatchObject([{ granularity: '1h', tokens }]);
    const [count] = await rows<{ granularities: string[]; tokens: string[] }>(
      database,
      'select array_agg(distinct granularity) as granularities, array_agg(distinct token) as tokens from cryptoracle.gaps',
    );
    expect(count).toEqual({ granularities: ['1h'], tokens });
  });
});
