import { sql } from 'drizzle-orm';
import type { z } from 'zod';
import { type Granularity, windowLength } from '../../../catalog/granularities.ts';
import { UserError } from '../../../errors.ts';
import { metricTable } from '../../../store/schema/sql.ts';
import type { Reading } from '../reading.ts';
import * as schemas from '../schemas/index.ts';
import { type CellCounts, stateOf } from './cell-state.ts';
import { instant, utc } from './sql.ts';

/** Tokens × days (or windows): what is there and what is not, and why. */

const day = 86_400_000;

/** Most cells of one answer: 200 tokens × two years, twice over. */
const mostCells = 300_000;

type Query = z.output<typeof schemas.coverageQuery>;

/** @throws UserError where this would be too much for one answer */
export async function readCoverage(reading: Reading, query: Query) {
  const { granularity, by } = query;
  const step = by === 'day' ? day : windowLength[granularity];
  const from = Date.parse(query.from);
  const columns = Math.ceil((Date.parse(query.to) - from) / step);
  if (columns < 1) throw new UserError('`from` must lie before `to`');
  const grid: Grid = { granularity, from, step, columns, to: from + columns * step };
  const wanted = await readWanted(reading, grid);
  if (wanted.length * columns > mostCells) {
    throw new UserError(`that are more than ${mostCells} cells; ask for a shorter range`);
  }
  const cells = new Cells(grid, wanted);
  const [gaps, stored] = await Promise.all([readGapsOf(reading, grid), readStored(reading, grid)]);
  for (const gap of gaps) cells.addGap(gap);
  for (const { token, column, rows } of stored) cells.addRows(token, column, rows);
  return {
    granularity,
    from: new Date(from).toISOString(),
    step,
    columns,
    legend: Object.fromEntries(Object.entries(schemas.cellStates).map(([state, letter]) => [letter, state])),
    rows: cells.rows(),
  };
}

interface Grid {
  readonly granularity: Granularity;
  readonly from: number;
  readonly to: number;
  readonly step: number;
  readonly columns: number;
}

interface WantedToken extends Record<string, unknown> {
  readonly token: string;
  /** Milliseconds since the epoch: windows from here … */
  readonly start: number;
  /** … to here are due. */
  readonly end: number;
  readonly metrics: number;
}

function readWanted(reading: Reading, { granularity }: Grid): Promise<WantedToken[]> {
  const length = windowLength[granularity];
  return reading.read<WantedToken>(
    'api wanted',
    sql`
      select t.token, (extract(epoch from greatest(w.history_start, now() - w.keep)) * 1000)::float8 as start,
        (extract(epoch from now() - w.settle_delay) * 1000 - ${length})::float8 as "end",
        cardinality(w.metrics) as metrics
      from cryptoracle.wanted as w
      join cryptoracle.tokens as t on case when w.tokens is null then t.listed else t.token = any (w.tokens) end
      where w.granularity = ${granularity}
      order by t.position, t.token`,
  );
}

interface GapRow extends Record<string, unknown> {
  readonly token: string;
  readonly reason: string;
  readonly start: number;
  readonly end: number;
  readonly metrics: number;
}

/** Without what is empty at the source, which rows tell: to find it takes every row. */
function readGapsOf(reading: Reading, { granularity, from, to }: Grid): Promise<GapRow[]> {
  return reading.read<GapRow>(
    'api gaps of coverage',
    sql`
      select token, reason, (extract(epoch from windows_from) * 1000)::float8 as start,
        (extract(epoch from windows_to) * 1000)::float8 as "end", count(*)::int as metrics
      from cryptoracle.gaps
      where granularity = ${granularity} and reason <> 'empty at the source'
        and windows_from < ${at(to)} and windows_to > ${at(from)}
      group by token, reason, windows_from, windows_to
      limit 500000`,
  );
}

/** Columns and rows of tokens, counted from the start of the grid. */
function readStored(reading: Reading, { granularity, from, to, step }: Grid) {
  return reading.read<{ token: string; column: number; rows: number }>(
    'api stored rows',
    sql`
      select token, floor((extract(epoch from time) * 1000 - ${from}::float8) / ${step}::float8)::int as column,
        count(*)::int as rows
      from ${metricTable(granularity)}
      where time >= ${at(from)} and time < ${at(to)}
      group by 1, 2`,
  );
}

const at = (milliseconds: number) => instant(new Date(milliseconds).toISOString());

/** Counts cells of the ledger in the columns of the grid. */
class Cells {
  readonly #grid: Grid;
  readonly #counts = new Map<string, (CellCounts | undefined)[]>();
  readonly #wanted: readonly WantedToken[];

  constructor(grid: Grid, wanted: readonly WantedToken[]) {
    this.#grid = grid;
    this.#wanted = wanted;
    for (const each of wanted) this.#counts.set(each.token, this.#due(each));
  }

  /** How many windows of each column are due. */
  #due({ start, end, metrics }: WantedToken): (CellCounts | undefined)[] {
    const { granularity, from, step, columns } = this.#grid;
    const length = windowLength[granularity];
    return Array.from({ length: columns }, (_, column) => {
      const first = Math.max(from + column * step, start);
      // Starts of windows: the last one that is due starts at `end` or before it.
      const last = Math.min(from + (column + 1) * step, end + 1);
      const windows = Math.ceil(Math.max(0, last - first) / length);
      return windows === 0 ? undefined : { windows, metrics, rows: 0, gaps: new Map() };
    });
  }

  addGap({ token, reason, start, end, metrics }: GapRow): void {
    const { granularity, from, step, columns } = this.#grid;
    const counts = this.#counts.get(token);
    if (counts === undefined) return;
    const firstColumn = Math.max(0, Math.floor((start - from) / step));
    const lastColumn = Math.min(columns - 1, Math.floor((end - 1 - from) / step));
    for (let column = firstColumn; column <= lastColumn; column++) {
      const left = Math.max(start, from + column * step);
      const right = Math.min(end, from + (column + 1) * step);
      const values = (Math.max(0, right - left) / windowLength[granularity]) * metrics;
      const gaps = counts[column]?.gaps;
      gaps?.set(reason, (gaps.get(reason) ?? 0) + values);
    }
  }

  addRows(token: string, column: number, rows: number): void {
    const counts = this.#counts.get(token)?.[column];
    if (counts !== undefined) counts.rows += rows;
  }

  rows(): { token: string; cells: string }[] {
    return this.#wanted.map(({ token }) => {
      const counts = this.#counts.get(token) ?? [];
      return { token, cells: counts.map((each) => schemas.cellStates[stateOf(each)]).join('') };
    });
  }
}

/** Why one cell, or a stretch of them, looks as it does. */
export async function readCell(reading: Reading, query: z.output<typeof schemas.cellQuery>) {
  const { granularity, token, from, to } = query;
  const overlaps = sql`windows_from < ${instant(to)} and windows_to > ${instant(from)}`;
  const inRange = sql`granularity = ${granularity} and token = ${token} and time >= ${instant(from)} and time < ${instant(to)}`;
  const [gaps, calls, [counts]] = await Promise.all([
    reading.read<z.output<typeof schemas.cell>['gaps'][number]>(
      'api gaps of cell',
      sql`
        select reason, detail, array_agg(metric order by metric) as metrics, ${utc(sql`windows_from`)} as "from",
          ${utc(sql`windows_to`)} as "to", max(windows) as windows
        from cryptoracle.gaps
        where granularity = ${granularity} and token = ${token} and ${overlaps}
        group by reason, detail, windows_from, windows_to order by windows_to desc limit 50`,
    ),
    reading.read<z.output<typeof schemas.cell>['calls'][number]>(
      'api calls of cell',
      sql`
        select ${utc(sql`sent_at`)} as at, lane, outcome, code, records, message
        from cryptoracle.requests
        where granularity = ${granularity} and ${token} = any (tokens) and ${overlaps}
        order by id desc limit 20`,
    ),
    reading.read<{ windows: number; revisions: number; quarantined: number; notes: number }>(
      'api counts of cell',
      sql`
        select
          (select count(*) from ${metricTable(granularity)}
           where token = ${token} and time >= ${instant(from)} and time < ${instant(to)})::int as windows,
          (select count(*) from cryptoracle.revisions where ${inRange})::int as revisions,
          (select count(*) from cryptoracle.quarantine where ${inRange} and resolution is null)::int as quarantined,
          (select count(*) from cryptoracle.quality_notes where ${inRange})::int as notes`,
    ),
  ]);
  const { windows: windowsWithValues = 0, revisions = 0, quarantined = 0, notes = 0 } = counts ?? {};
  return { gaps, calls, windowsWithValues, revisions, quarantined, notes };
}
