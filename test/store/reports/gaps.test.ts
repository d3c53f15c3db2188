import fc from 'fast-check';
import { beforeAll, beforeEach, expect, it } from 'vitest';
import { type ApiVersion, asToken } from '../../../src/catalog/index.ts';
import { logRequest } from '../../../src/store/answers/requests.ts';
import { storeAnswer } from '../../../src/store/answers/write.ts';
import type { Database } from '../../../src/store/connection/database.ts';
import { storeDesiredScope } from '../../../src/store/ledger/desired-scope.ts';
import { storeRefused } from '../../../src/store/ledger/entitlements.ts';
import { type GapReason, gapReasons, openReasons } from '../../../src/store/reports/gap-reasons.ts';
import { readReportedGaps } from '../../../src/store/reports/gaps.ts';
import { hour } from '../../support/clock.ts';
import { createTestDatabase, describeOnServers, rows } from '../../support/database.ts';
import { fuzzRuns } from '../../support/fuzz.ts';
import { answer, clear, row, start } from '../answers/answering.ts';
import {
  cellName,
  type Event,
  event,
  everyReason,
  expectedReasons,
  first,
  metrics,
  missing,
  second,
  third,
  tokens,
  version,
  windows,
} from './gap-events.ts';

const at = (window: number) => start + window * hour;

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
