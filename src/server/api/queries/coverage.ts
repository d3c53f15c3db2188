import { and, arrayContains, desc, eq, isNull, type SQL, sql } from 'drizzle-orm';
import type { z } from 'zod';
import { type Granularity, windowLength } from '../../../catalog/granularities.ts';
import { UserError } from '../../../errors.ts';
import {
  qualityNotes,
  quarantine,
  requests,
  revisions,
  tokens,
  wanted,
} from '../../../store/schema/index.ts';
import {
  inMilliseconds,
  intervalOf,
  metricTable,
  textArray,
  timestamptz,
} from '../../../store/schema/sql.ts';
import type { Instant } from '../../../time.ts';
import type { Reading } from '../reading.ts';
import * as schemas from '../schemas/index.ts';
import { type CellCounts, stateOf } from './cell-state.ts';
import { instant, utc, within } from './sql.ts';

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
  const grid: Grid = { granularity, from, step, columns, to: from + columns * step, tokens: query.token };
  const wanted = await readWanted(reading, grid);
  if (wanted.length * columns > mostCells) {
    throw new UserError(`that are more than ${mostCells} cells; ask for a shorter range`);
  }
  const cells = new Cells(grid, wanted);
  const [gaps, stored] = await Promise.all([readGapsOf(reading, grid), readStored(reading, grid)]);
  for (const gap of gaps) cells.addGap(gap);
  for (const { token, start, rows } of stored) cells.addRows(token, start, rows);
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
  /** Absent: all that are wanted. */
  readonly tokens: readonly string[] | undefined;
}

const ofTokens = (token: SQL, chosen: Grid['tokens']) =>
  chosen === undefined ? sql`true` : sql`${token} = any (${textArray(chosen)})`;

interface WantedToken extends Record<string, unknown> {
  readonly token: string;
  /** Windows from here … */
  readonly start: Instant;
  /** … to here are due. */
  readonly end: Instant;
  readonly metrics: number;
}

function readWanted(reading: Reading, { granularity, tokens: chosen }: Grid): Promise<WantedToken[]> {
  const length = windowLength[granularity];
  const isWanted = sql`case when ${wanted.tokens} is null then ${tokens.listed}
    else ${tokens.token} = any (${wanted.tokens}) end`;
  return reading.run('api wanted', (db) =>
    db
      .select({
        token: tokens.token,
        start: inMilliseconds(sql`greatest(${wanted.historyStart}, now() - ${wanted.keep})`),
        end: sql<Instant>`${inMilliseconds(sql`now() - ${wanted.settleDelay}`)} - ${length}::float8`,
        metrics: sql<number>`cardinality(${wanted.metrics})`,
      })
      .from(wanted)
      .innerJoin(tokens, isWanted)
      .where(and(eq(wanted.granularity, granularity), ofTokens(sql`${tokens.token}`, chosen)))
      .orderBy(tokens.position, tokens.token),
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
function readGapsOf(reading: Reading, { granularity, from, to, tokens: chosen }: Grid): Promise<GapRow[]> {
  return reading.query<GapRow>(
    'api gaps of coverage',
    sql`
      select token, reason, ${inMilliseconds(sql`windows_from`)} as start,
        ${inMilliseconds(sql`windows_to`)} as "end", count(*)::int as metrics
      from cryptoracle.gaps
      where granularity = ${granularity} and reason not in ('empty at the source', 'not in this API version')
        and windows_from < ${timestamptz(to)} and windows_to > ${timestamptz(from)}
        and ${ofTokens(sql`token`, chosen)}
      group by token, reason, windows_from, windows_to
      limit 500000`,
  );
}

/** Rows of tokens in columns of the grid, each by its start. */
function readStored(reading: Reading, { granularity, from, to, step, tokens: chosen }: Grid) {
  return reading.query<{ token: string; start: Instant; rows: number }>(
    'api stored rows',
    sql`
      select token, ${inMilliseconds(sql`start`)} as start, rows
      from (
        -- Instants are put into columns as they are: made numbers of, each row would take three times as long.
        select token, date_bin(${intervalOf(step)}, time, ${timestamptz(from)}) as start, count(*)::int as rows
        from ${metricTable(granularity)}
        where time >= ${timestamptz(from)} and time < ${timestamptz(to)} and ${ofTokens(sql`token`, chosen)}
        group by 1, 2
      ) as counted`,
  );
}

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

  addRows(token: string, start: Instant, rows: number): void {
    const { from, step } = this.#grid;
    const counts = this.#counts.get(token)?.[(start - from) / step];
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
  const countOf = (
    table: typeof revisions | typeof quarantine | typeof qualityNotes,
    condition = sql`true`,
  ) =>
    sql`(select count(*) from ${table} where ${table.granularity} = ${granularity} and ${table.token} = ${token}
      and ${within(table.time, from, to)} and ${condition})::int`;
  const [gaps, calls, [counts]] = await Promise.all([
    reading.query<z.output<typeof schemas.cell>['gaps'][number]>(
      'api gaps of cell',
      sql`
        select reason, detail, array_agg(metric order by metric) as metrics, ${utc(sql`windows_from`)} as "from",
          ${utc(sql`windows_to`)} as "to", max(windows) as windows
        from cryptoracle.gaps
        where granularity = ${granularity} and token = ${token} and ${overlaps}
        group by reason, detail, windows_from, windows_to order by windows_to desc limit 50`,
    ),
    reading.run('api calls of cell', (db) =>
      db
        .select({
          at: utc(requests.sentAt),
          lane: requests.lane,
          outcome: requests.outcome,
          code: requests.code,
          records: requests.records,
          message: requests.message,
        })
        .from(requests)
        .where(and(eq(requests.granularity, granularity), arrayContains(requests.tokens, [token]), overlaps))
        .orderBy(desc(requests.id))
        .limit(20),
    ),
    reading.query<{ windowsWithValues: number; revisions: number; quarantined: number; notes: number }>(
      'api counts of cell',
      sql`
        select
          (select count(*) from ${metricTable(granularity)}
           where token = ${token} and time >= ${instant(from)} and time < ${instant(to)})::int as "windowsWithValues",
          ${countOf(revisions)} as revisions,
          ${countOf(quarantine, isNull(quarantine.resolution))} as quarantined,
          ${countOf(qualityNotes)} as notes`,
    ),
  ]);
  return { gaps, calls, ...(counts ?? { windowsWithValues: 0, revisions: 0, quarantined: 0, notes: 0 }) };
}
