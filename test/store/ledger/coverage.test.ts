import fc from 'fast-check';
import { beforeAll, beforeEach, expect, it } from 'vitest';
import {
  asToken,
  type Granularity,
  granularities,
  type MetricCode,
  metricCodes,
  type Token,
  windowLength,
} from '../../../src/catalog/index.ts';
import type { Database } from '../../../src/store/connection/database.ts';
import {
  areUntouched,
  type CellSelection,
  markAnswered,
  readGaps,
} from '../../../src/store/ledger/coverage.ts';
import { hour } from '../../support/clock.ts';
import { createTestDatabase, describeOnServers, rows } from '../../support/database.ts';
import { fuzzRuns } from '../../support/fuzz.ts';
import { start } from '../answers/answering.ts';

const tokens = ['AAA', 'BBB', 'aaa', '币安人生'].map(asToken);
const metrics = metricCodes.slice(0, 3);
const mostWindows = 7;

interface Selection extends CellSelection {
  readonly metrics: readonly MetricCode[];
}

/** A part of a small universe: some tokens, some metrics, some windows of one granularity. */
const selection: fc.Arbitrary<Selection> = fc
  .record({
    granularity: fc.constantFrom(...granularities),
    tokens: fc.subarray([...tokens], { minLength: 1 }),
    metrics: fc.subarray([...metrics], { minLength: 1 }),
    from: fc.nat(mostWindows - 1),
    windows: fc.integer({ min: 1, max: mostWindows }),
  })
  .map(({ granularity, from, windows, ...rest }) => ({
    ...rest,
    granularity,
    interval: {
      start: start + from * windowLength[granularity],
      end: start + Math.min(mostWindows, from + windows) * windowLength[granularity],
    },
  }));

/** Every cell by itself, as text. */
function cells(of: {
  readonly granularity: Granularity;
  readonly tokens: readonly string[];
  readonly metrics: readonly string[];
  readonly interval: { readonly start: number; readonly end: number };
}): string[] {
  const found: string[] = [];
  for (let time = of.interval.start; time < of.interval.end; time += windowLength[of.granularity])
    for (const token of of.tokens)
      for (const metric of of.metrics) found.push(`${of.granularity} ${token} ${metric} ${time}`);
  return found;
}

describeOnServers('the ledger', (kind) => {
  let database: Database;
  beforeAll(async () => {
    database = await createTestDatabase(kind);
  });
  beforeEach(() => forgetWindows());
  const mark = (cellsOf: CellSelection) =>
    database.transaction((on) => markAnswered(database, [cellsOf], on));
  /** Tables that keep windows by granularity, token and metric, and the columns that they need beside. */
  const keepers = {
    coverage: { columns: 'answered', values: '' },
    dropped: { columns: 'windows, noticed_at', values: ', now()' },
    suspects: { columns: 'windows, since, times, asked_at, ask_at', values: ", 'epoch', 1, now(), now()" },
  } as const;
  const forgetWindows = () =>
    database.pool.query('truncate cryptoracle.coverage, cryptoracle.dropped, cryptoracle.suspects');
  const enter = async (table: keyof typeof keepers, of: Selection) => {
    const { columns, values } = keepers[table];
    const { granularity, interval } = of;
    await database.pool.query(
      `insert into cryptoracle.${table} (granularity, token, metric, ${columns})
       select $1, token, metric, tstzmultirange(tstzrange($2, $3))${values}
       from unnest($4::text[]) as token, unnest($5::text[]) as metric
`,
      [granularity, new Date(interval.start), new Date(interval.end), of.tokens, of.metrics],
    );
  };
  const all = (granularity: Granularity, windows = mostWindows): Selection => ({
    granularity,
    tokens,
    metrics,
    interval: { start, end: start + windows * windowLength[granularity] },
  });

  it('gives exactly the cells that nobody has entered, each once, in as few blocks as share an interval', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(selection, { maxLength: 10 }),
        fc.array(selection, { minLength: 1, maxLength: 4 }),
        async (entered, questions) => {
          await forgetWindows();
          const answered = new Set<string>();
          for (const each of entered) {
            await mark(each);
            for (const cell of cells(each)) answered.add(cell);
          }
          for (const question of [...questions, ...granularities.map((granularity) => all(granularity))]) {
            const gaps = await readGaps(database, question);
            const found = gaps.flatMap(cells);
            expect(new Set(found).size).toBe(found.length);
            expect(found.sort()).toEqual(
              cells(question)
                .filter((cell) => !answered.has(cell))
                .sort(),
            );
            // Blocks of the same interval and metrics are one block.
            const keys = gaps.map((gap) => `${gap.interval.start} ${gap.interval.end} ${gap.metrics.join()}`);
            expect(new Set(keys).size).toBe(keys.length);
            const ends = gaps.map(({ interval }) => interval.end);
            expect(ends).toEqual(ends.toSorted((a, b) => b - a));
          }
        },
      ),
      { numRuns: fuzzRuns(20) },
    );
  });

  it('knows selections as untouched where none of their tokens has an answer, a removal or a suspect in their windows', async () => {
    const table = fc.constantFrom('coverage', 'dropped', 'suspects');
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(fc.tuple(table, selection), { maxLength: 3, selector: ([each]) => each }),
        fc.array(selection, { maxLength: 4 }),
        async (known, asked) => {
          await forgetWindows();
          for (const [where, each] of known) await enter(where, each);
          const touched = new Set(known.flatMap(([, each]) => cells({ ...each, metrics: ['any'] })));
          const isUnknown = (each: (typeof asked)[number]) =>
            cells({ ...each, metrics: ['any'] }).every((cell) => !touched.has(cell));
          expect(await areUntouched(database, asked)).toEqual(asked.map(isUnknown));
        },
      ),
      { numRuns: fuzzRuns(40) },
    );
  });

  it('does not cut a gap at windows that nobody has answered', async () => {
    await mark({ ...all('1h'), interval: { start: start + 2 * hour, end: start + 3 * hour } });
    expect(await readGaps(database, all('1h'))).toEqual([
      { granularity: '1h', tokens, metrics, interval: { start: start + 3 * hour, end: start + 7 * hour } },
      { granularity: '1h', tokens, metrics, interval: { start, end: start + 2 * hour } },
    ]);
  });

  it('keeps the order of the tokens and metrics that were asked for', async () => {
    const question = { ...all('1h'), tokens: tokens.toReversed(), metrics: metrics.toReversed() };
    const [gap] = await readGaps(database, question);
    expect(gap?.tokens).toEqual(question.tokens);
    expect(gap?.metrics).toEqual(question.metrics);
  });

  it('does not take the windows of one granularity for those of another', async () => {
    await mark({ ...all('15m', 96), metrics: metricCodes });
    for (const granularity of ['1h', '4h', '1d'] as const)
      expect((await readGaps(database, all(granularity))).flatMap(cells)).toEqual(cells(all(granularity)));
  });

  it('tells tokens apart by case', async () => {
    await mark({ ...all('1h'), tokens: [asToken('AAA')] });
    const left = await readGaps(database, all('1h'));
    expect(left.map((gap) => gap.tokens)).toEqual([tokens.slice(1)]);
  });

  it.each<[string, Partial<Selection>]>([
    ['no tokens', { tokens: [] as Token[] }],
    ['no metrics', { metrics: [] }],
    ['no windows', { interval: { start, end: start } }],
  ])('has no gaps, and takes no entry, for %s', async (_, nothing) => {
    expect(await readGaps(database, { ...all('1h'), ...nothing })).toEqual([]);
    await mark({ ...all('1h'), ...nothing });
    const answered = await rows(
      database,
      "select * from cryptoracle.coverage where answered <> '{}'::tstzmultirange",
    );
    expect(answered).toEqual([]);
  });

  it('writes nothing where all was entered before', async () => {
    await mark(all('1h'));
    const dump = () =>
      rows(database, 'select xmin, ctid, * from cryptoracle.coverage order by granularity, token, metric');
    const before = await dump();
    expect(before).toHaveLength(tokens.length * metrics.length);
    await mark(all('1h'));
    await mark({
      ...all('1h'),
      tokens: tokens.slice(1),
      interval: { start: start + hour, end: start + 2 * hour },
    });
    expect(await dump()).toEqual(before);
  });

  it('merges what touches and overlaps into one range', async () => {
    const one = { ...all('1h'), tokens: tokens.slice(0, 1), metrics: metrics.slice(0, 1) };
    for (const [from, to] of [
      [0, 2],
      [4, 6],
      [2, 3],
      [3, 5],
    ] as const)
      await mark({ ...one, interval: { start: start + from * hour, end: start + to * hour } });
    expect(await rows(database, 'select answered::text from cryptoracle.coverage')).toEqual([
      { answered: '{["2025-05-31 16:00:00+00","2025-05-31 22:00:00+00")}' },
    ]);
  });

  it('takes entries of many at the same time, in whatever order they name the tokens', async () => {
    const parts = Array.from({ length: 24 }, (_, number) => ({
      ...all('1h'),
      tokens: number % 2 === 0 ? tokens : tokens.toReversed(),
      interval: { start: start + (number % 7) * hour, end: start + ((number % 7) + 1) * hour },
    }));
    await Promise.all(parts.map(mark));
    expect(await readGaps(database, all('1h'))).toEqual([]);
  });
});
