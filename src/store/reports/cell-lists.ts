import { type SQL, sql } from 'drizzle-orm';
import type { Granularity, MetricCode, Token } from '../../catalog/index.ts';
import type { Instant } from '../../time.ts';
import type { Questions } from '../connection/reader.ts';
import { qualityNotes, revisions } from '../schema/index.ts';
import { inMilliseconds, textArray, timestamptz } from '../schema/sql.ts';

/** Lists about stored values: those that changed, and those that are in doubt. */

/** A choice of cells; what is left out does not narrow it. */
export interface CellFilter {
  readonly granularities?: readonly Granularity[] | undefined;
  readonly tokens?: readonly Token[] | undefined;
  readonly metrics?: readonly MetricCode[] | undefined;
  /** Start of the first window, and end of the range of starts, not included. */
  readonly from?: Instant | undefined;
  readonly to?: Instant | undefined;
}

interface CellEntry {
  readonly granularity: Granularity;
  readonly token: Token;
  /** Start of the window. */
  readonly time: Instant;
  readonly metric: MetricCode;
}

export interface ListedRevision extends CellEntry {
  /** `null`: there was none, though it had been asked for. */
  readonly old: number | null;
  readonly new: number;
  readonly revisedAt: Instant;
}

export interface ListedNote extends CellEntry {
  readonly note: string;
  readonly value: number;
  readonly detail: string;
  readonly notedAt: Instant;
}

/** A part of a list, the newest first, and how long the whole is. */
export interface Listed<T> {
  readonly entries: readonly T[];
  readonly total: number;
}

function conditionOf({ granularities, tokens, metrics, from, to }: CellFilter): SQL {
  return sql.join(
    [
      sql`true`,
      ...(granularities === undefined ? [] : [sql`granularity = any (${textArray(granularities)})`]),
      ...(tokens === undefined ? [] : [sql`token = any (${textArray(tokens)})`]),
      ...(metrics === undefined ? [] : [sql`metric = any (${textArray(metrics)})`]),
      ...(from === undefined ? [] : [sql`"time" >= ${timestamptz(from)}`]),
      ...(to === undefined ? [] : [sql`"time" < ${timestamptz(to)}`]),
    ],
    sql` and `,
  );
}

const cell = sql`granularity, token, ${inMilliseconds(sql`"time"`)} as time, metric, (count(*) over ())::int as total`;

type Row<T> = T & { readonly total: number } & Record<string, unknown>;

export async function readRevisions(
  questions: Questions,
  filter: CellFilter,
  most: number,
): Promise<Listed<ListedRevision>> {
  const rows = await questions.query<Row<ListedRevision>>(
    'list revisions',
    sql`
      select ${cell}, old, new, ${inMilliseconds(sql`revised_at`)} as "revisedAt"
      from ${revisions} where ${conditionOf(filter)}
      order by revised_at desc, id desc limit ${most}`,
  );
  return { entries: rows.map(({ total: _, ...entry }) => entry), total: rows[0]?.total ?? 0 };
}

export async function readNotes(
  questions: Questions,
  filter: CellFilter,
  most: number,
): Promise<Listed<ListedNote>> {
  const rows = await questions.query<Row<ListedNote>>(
    'list notes',
    sql`
      select ${cell}, note, value, detail, ${inMilliseconds(sql`noted_at`)} as "notedAt"
      from ${qualityNotes} where ${conditionOf(filter)}
      order by noted_at desc, "time" desc, granularity, token, metric, note limit ${most}`,
  );
  return { entries: rows.map(({ total: _, ...entry }) => entry), total: rows[0]?.total ?? 0 };
}
