import { Readable } from 'node:stream';
import pg from 'pg';
import { to as copyTo } from 'pg-copy-streams';
import Cursor from 'pg-cursor';
import type { Catalogue, Granularity, MetricCode, Token } from '../../catalog/index.ts';
import type { Connection } from '../connection/connection.ts';
import { isFinal } from '../schema/final.ts';
import { metricTableName } from '../schema/sql.ts';

/** Reads any amount of values out of the database, a little at a time. */

export interface ExportSelection {
  readonly granularity: Granularity;
  /** Window starts from here on, in milliseconds since the epoch; `undefined`: from the first. */
  readonly from: number | undefined;
  /** Window starts before here; `undefined`: to the newest. */
  readonly to: number | undefined;
  readonly tokens: readonly Token[];
  readonly metrics: readonly MetricCode[];
  readonly catalogue: Catalogue;
}

/** What was exported; grows while it is read. */
export interface ExportTally {
  rows: number;
  /** Tokens that have a row. */
  tokens: number;
  /** A token that readers of CSV take for something else; there only where none of the rows shows them that it is text. */
  mistakable?: Token;
}

/**
 * Whether readers of CSV that guess types take a column of this token for truth values, numbers, dates or nothing: DuckDB, R,
 * pandas and their kin. Quotes keep none of them from it.
 */
export const isMistakable = (token: Token): boolean =>
  /^(t|f|true|false|y|n|yes|no|na|n\/a|nan|null|none|nil|inf|infinity|epoch|today|now)$/i.test(token) ||
  /^[+-]?(0x[\da-f.p]+|[\d._,/:-]+([ed][+-]?\d+)?[il%]?)$/i.test(token);

export type ColumnType = 'TIMESTAMP' | 'STRING' | 'DOUBLE' | 'BOOLEAN';

export interface ExportColumn {
  readonly name: string;
  readonly type: ColumnType;
}

/** The columns of an export, in order. */
export function exportColumns({
  catalogue,
  metrics,
}: Pick<ExportSelection, 'catalogue' | 'metrics'>): readonly ExportColumn[] {
  return [
    { name: 'time', type: 'TIMESTAMP' },
    { name: 'token', type: 'STRING' },
    ...catalogue.metrics
      .filter(({ code }) => metrics.includes(code))
      .map(({ column }): ExportColumn => ({ name: column, type: 'DOUBLE' })),
    { name: 'first_seen_at', type: 'TIMESTAMP' },
    { name: 'backfilled', type: 'BOOLEAN' },
    { name: 'is_final', type: 'BOOLEAN' },
  ];
}

/** Instants in ISO 8601 (UTC) and truth as TRUE and FALSE: every reader of CSV takes them for what they are (R not 'true'). */
function asText({ name, type }: ExportColumn): string {
  switch (type) {
    case 'TIMESTAMP':
      return `to_char("${name}" at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as "${name}"`;
    case 'BOOLEAN':
      return `upper("${name}"::text) as "${name}"`;
    default:
      return `"${name}"`;
  }
}

/**
 * One statement for each token: where chunks are compressed by token, that is the order in which they lie, and nothing
 * has to be sorted. Tokens that look like something else come last: readers guess types by the first rows.
 */
function* selectByToken(
  selection: ExportSelection,
  column: (column: ExportColumn) => string,
): Generator<{ readonly token: Token; readonly select: string }> {
  const list = exportColumns(selection).map(column).join(', ');
  const at = (instant: number) => pg.escapeLiteral(new Date(instant).toISOString());
  const range = [
    ...(selection.from === undefined ? [] : [`and "time" >= ${at(selection.from)}`]),
    ...(selection.to === undefined ? [] : [`and "time" < ${at(selection.to)}`]),
  ].join(' ');
  const { tokens, granularity } = selection;
  for (const token of [...tokens.filter((each) => !isMistakable(each)), ...tokens.filter(isMistakable)]) {
    const select = `select ${list}
      from (select *, ${isFinal(granularity, '"time"')} as is_final from ${metricTableName(granularity)}) as m
      where token = ${pg.escapeLiteral(token)} ${range} order by "time"`;
    yield { token, select };
  }
}

/** The export as CSV with a line of names first; what is not there is empty. Made by the server. */
export function readCsv(connection: Connection, selection: ExportSelection, tally?: ExportTally): Readable {
  async function* parts(): AsyncGenerator<Buffer> {
    yield Buffer.from(
      `${exportColumns(selection)
        .map(({ name }) => name)
        .join(',')}\n`,
    );
    for (const { token, select } of selectByToken(selection, asText)) {
      const copied = copyTo(`copy (${select}) to stdout (format csv)`);
      yield* connection.read('export csv', (client): AsyncIterable<Buffer> => client.query(copied));
      // The server tells their number after the last of them, maybe later: the answer to a next statement comes after it.
      await connection.query('end of export csv', 'select');
      add(tally, token, copied.rowCount);
    }
  }
  return Readable.from(parts(), { objectMode: false });
}

/** Counts what was read of one token. */
function add(tally: ExportTally | undefined, token: Token, rows: number): void {
  if (tally === undefined || rows === 0) return;
  if (tally.tokens === 0 && isMistakable(token)) tally.mistakable = token;
  tally.rows += rows;
  tally.tokens++;
}

const rowsAtATime = 2000;

/** The export as rows by column name: instants as dates, what is not there as `null`. */
export async function* readRows(
  connection: Connection,
  selection: ExportSelection,
  tally?: ExportTally,
): AsyncGenerator<Record<string, unknown>> {
  for (const { token, select } of selectByToken(selection, ({ name }) => `"${name}"`)) {
    let count = 0;
    for await (const rows of connection.read('export rows', (client) => readCursor(client, select))) {
      yield* rows;
      count += rows.length;
    }
    add(tally, token, count);
  }
}

async function* readCursor(
  client: pg.ClientBase,
  select: string,
): AsyncGenerator<readonly Record<string, unknown>[]> {
  const cursor = client.query(new Cursor<Record<string, unknown>>(select));
  for (let rows = await cursor.read(rowsAtATime); rows.length > 0; rows = await cursor.read(rowsAtATime)) {
    yield rows;
  }
  await cursor.close();
}
