import fc from 'fast-check';
import { beforeAll, expect, it } from 'vitest';
import { asToken, type MetricCode } from '../../../src/catalog/index.ts';
import { replayQuarantine } from '../../../src/ingest/replay.ts';
import { observedFrom } from '../../../src/planning/windows.ts';
import { storeAnswer } from '../../../src/store/answers/write.ts';
import type { Database } from '../../../src/store/connection/database.ts';
import { hour, ManualClock } from '../../support/clock.ts';
import { createTestDatabase, describeOnServers, rows } from '../../support/database.ts';
import { fuzzRuns } from '../../support/fuzz.ts';
import { answer, clear, columnOf, row, start } from '../answers/answering.ts';

/** Random histories of loads, told to a model that remembers the whole table at every instant. */

const tokens = ['BTC', 'ETH'];
const codes = ['CO-A-01-03', 'CO-A-01-05', 'CO-A-02-03', 'CO-S-01-02'] as const satisfies MetricCode[];
const windows = 4;
const rules = { settleDelay: 900_000, lookbackWindows: 4 };
/** What a replay finds in quarantine; no load brings it. */
const replayed = 9;

/** A cell of an answer: a value, nothing, or something that an older program could not read. */
type Said = number | null | 'reject';

interface Load {
  readonly kind: 'load';
  readonly tokens: readonly string[];
  readonly codes: readonly (typeof codes)[number][];
  readonly from: number;
  readonly count: number;
  /** By token, window and metric, repeated as often as it takes. */
  readonly said: readonly Said[];
  /** Whether it comes long after the windows closed. */
  readonly isLate: boolean;
  readonly isOnGrid: boolean;
  readonly refreshOf: number | undefined;
  /** Milliseconds between the answer and its storing. */
  readonly waited: number;
}

type Step = Load | { readonly kind: 'replay' | 'compress' };

const load = fc.record({
  kind: fc.constant('load' as const),
  tokens: fc.subarray(tokens, { minLength: 1 }),
  codes: fc.subarray([...codes], { minLength: 1 }),
  from: fc.integer({ min: 0, max: windows - 1 }),
  count: fc.integer({ min: 1, max: windows }),
  said: fc.array(
    fc.oneof({ weight: 5, arbitrary: fc.constantFrom<Said>(1, 2, null) }, fc.constant('reject' as const)),
    {
      minLength: 1,
      maxLength: 32,
    },
  ),
  isLate: fc.boolean(),
  isOnGrid: fc.oneof({ weight: 4, arbitrary: fc.constant(true) }, fc.constant(false)),
  refreshOf: fc.option(fc.constant(1), { nil: undefined }),
  waited: fc.constantFrom(0, 0, 20_000),
});

const history = fc.array(fc.oneof({ weight: 5, arbitrary: load }, fc.constant({ kind: 'replay' as const })), {
  minLength: 2,
  maxLength: 9,
});

interface KnownRow {
  readonly token: string;
  readonly time: Date;
  readonly first_seen_at: Date;
  readonly backfilled: boolean;
  readonly [column: string]: unknown;
}

/** The table as it should be, and cells whose values are in quarantine. */
class Model {
  #rows = new Map<string, KnownRow>();
  readonly #rejected = new Map<string, { token: string; time: number; code: (typeof codes)[number] }>();
  readonly remembered: { readonly at: Date; readonly rows: readonly KnownRow[] }[] = [];

  tell(
    token: string,
    time: number,
    code: (typeof codes)[number],
    said: Said,
    now: number,
    from: number,
  ): void {
    if (said === 'reject') this.#rejected.set(`${token} ${time} ${code}`, { token, time, code });
    if (typeof said !== 'number') return;
    const key = `${token} ${time}`;
    const unknown = Object.fromEntries(codes.map((each) => [columnOf[each], null]));
    const known = this.#rows.get(key) ?? {
      ...{ token, time: new Date(time), ...unknown },
      ...{ first_seen_at: new Date(now), backfilled: time < from },
    };
    this.#rows.set(key, { ...known, [columnOf[code]]: said });
  }

  replay(now: number): void {
    const from = observedFrom('1h', now, rules);
    for (const { token, time, code } of this.#rejected.values()) {
      const held = this.#rows.get(`${token} ${time}`)?.[columnOf[code]] ?? null;
      if (held === null) this.tell(token, time, code, replayed, now, from);
    }
    this.#rejected.clear();
  }

  remember(now: number): void {
    const sorted = [...this.#rows.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, known]) => known);
    for (const at of [now, now + 900]) this.remembered.push({ at: new Date(at), rows: sorted });
  }
}

describeOnServers('as_of in any history', (kind) => {
  let database: Database;
  beforeAll(async () => {
    database = await createTestDatabase(kind);
  });

  async function apply(each: Load, model: Model, clock: ManualClock): Promise<void> {
    const receivedAt = clock.now() - each.waited;
    const from = each.isLate ? start + 1000 * hour : start;
    const end = Math.min(each.from + each.count, windows);
    const times = Array.from({ length: end - each.from }, (_, n) => start + (each.from + n) * hour);
    let drawn = 0;
    const answered = each.tokens.flatMap((token) =>
      times.map((time) => ({
        ...{ token, time },
        cells: each.codes.map((code) => ({
          code,
          said: each.said[drawn++ % each.said.length] ?? null,
        })),
      })),
    );
    const numbers = (cells: (typeof answered)[number]['cells']) =>
      Object.fromEntries(cells.map(({ code, said }) => [code, said === 'reject' ? null : said]));
    const told = answered.flatMap(({ token, time, cells }) =>
      cells.map((cell) => ({ ...cell, token, time })),
    );
    await storeAnswer(database, {
      ...answer({
        ...{ tokens: each.tokens, metrics: each.codes, receivedAt, observedFrom: from },
        ...{ from: start + each.from * hour, to: start + end * hour },
        rows: answered.map(({ token, time, cells }) => row(token, time, numbers(cells))),
        rejects: told
          .filter(({ said }) => said === 'reject')
          .map(({ token, time, code }) => ({
            ...{ reason: 'no finite number', part: 'value', token: asToken(token), time, metric: code },
            raw: { endpoint: code, value: String(replayed) },
          })),
      }),
      ...{ clock, isOnGrid: each.isOnGrid, refreshOf: each.refreshOf },
    });
    for (const { token, time, code, said } of told) model.tell(token, time, code, said, clock.now(), from);
  }

  const compress = () =>
    database.pool.query(
      "select compress_chunk(show_chunks('cryptoracle.metrics_1h'), if_not_compressed => true)",
    );

  /** What `as_of` says of every instant that the model remembers. */
  async function expectRemembered({ remembered }: Model): Promise<void> {
    const said = await rows<KnownRow & { at: Date }>(
      database,
      `select at, known.token, known.time, ${codes.map((code) => `known.${columnOf[code]}`).join()},
         known.first_seen_at, known.backfilled
       from unnest($1::timestamptz[]) as at cross join lateral cryptoracle.as_of('1h', at) as known
       order by at, token, time`,
      [remembered.map(({ at }) => at)],
    );
    const expected = remembered.flatMap(({ at, rows: held }) => held.map((known) => ({ at, ...known })));
    expect(said).toEqual(expected);
  }

  it('never changes what it said of an instant', async () => {
    await fc.assert(
      fc.asyncProperty(history, async (steps: readonly Step[]) => {
        await clear(database);
        await database.pool.query('truncate cryptoracle.refreshed');
        const clock = new ManualClock(start + 8 * hour);
        const model = new Model();
        for (const [number, step] of steps.entries()) {
          if (step.kind === 'load') await apply(step, model, clock);
          if (step.kind === 'compress' && kind === 'TimescaleDB') await compress();
          if (step.kind === 'replay') {
            await replayQuarantine({ database, clock, ...rules, filter: {} });
            model.replay(clock.now());
          }
          model.remember(clock.now());
          if (number % 3 === 2) await expectRemembered(model);
          clock.advance(60_000);
        }
        await expectRemembered(model);
      }),
      { numRuns: fuzzRuns(25) },
    );
  });
});
