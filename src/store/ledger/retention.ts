import { sql } from 'drizzle-orm';
import { type Granularity, granularities } from '../../catalog/index.ts';
import { type Keep, keptFrom } from '../../planning/plan.ts';
import { windowsStartingIn } from '../../planning/windows.ts';
import type { Instant, Milliseconds } from '../../time.ts';
import type { Database, Transaction } from '../connection/database.ts';
import { dropped, qualityNotes } from '../schema/index.ts';
import { inMilliseconds, metricTable, timestamptz } from '../schema/sql.ts';
import { forgetRemoved, whileNobodyRemoves } from './dropped.ts';
import { readDayStart } from './facts.ts';

/**
 * Removes what is older than it is to be kept. The worker's role may not delete values; it calls a function of the
 * owner's, which removes nothing younger than a day (`setup/retire.ts`).
 */

/** Tables of what the program notes down. */
export const noteTables = ['requests', 'revisions', 'quarantine', 'quality_notes', 'events'] as const;

type NoteTable = (typeof noteTables)[number];

export interface Retention {
  readonly keep: Keep;
  /** Ages in milliseconds. */
  readonly keepNotes: Readonly<Record<NoteTable, number>>;
}

export interface Removed {
  readonly what: Granularity | NoteTable;
  /** Rows, or of a hypertable chunks. */
  readonly removed: number;
}

const day: Milliseconds = 86_400_000;

export async function removeOld(
  database: Database,
  retention: Retention,
  now: Instant,
  signal: AbortSignal,
): Promise<Removed[]> {
  const done = await whileNobodyRemoves(database, async () => {
    const removed: Removed[] = [];
    const { keep, keepNotes } = retention;
    for (const granularity of granularities) {
      if (keep[granularity] === undefined) continue;
      removed.push(await removeWindows(database, granularity, keep, now, signal));
    }
    for (const what of noteTables) {
      removed.push({ what, removed: await retire(database, what, now - keepNotes[what]) });
    }
    return removed.filter((each) => each.removed > 0);
  });
  return done ?? [];
}

/** The start of the oldest window that stays: of whole days, by which it is noticed that others remove values. */
async function firstKept(database: Database, granularity: Granularity, kept: Instant): Promise<number> {
  if (granularity !== '1d') return Math.floor(kept / day) * day;
  return windowsStartingIn('1d', { start: kept, end: kept + 2 * day }, await readDayStart(database)).start;
}

async function removeWindows(
  database: Database,
  granularity: Granularity,
  keep: Keep,
  now: Instant,
  signal: AbortSignal,
): Promise<Removed> {
  const cutoff = await firstKept(database, granularity, keptFrom(keep, granularity, now));
  for (let removed = 0; ; ) {
    const part = signal.aborted
      ? 0
      : await database.transaction(async (tx) => {
          const gone = await retire(database, granularity, cutoff, tx);
          if (gone > 0) await forgetBefore(database, granularity, cutoff, tx);
          return gone;
        });
    if (part === 0) return { what: granularity, removed };
    removed += part;
  }
}

/** Removes some of what is older. @returns rows, or chunks of a hypertable; 0 where nothing is left to remove */
async function retire(
  database: Database,
  what: Granularity | NoteTable,
  before: Instant,
  tx?: Transaction,
): Promise<number> {
  const [row] = await database.query<{ removed: number }>(
    'remove old',
    sql`select cryptoracle.retire(${what}, ${timestamptz(before)})::float8 as removed`,
    tx,
  );
  return row?.removed ?? 0;
}

/** Chunks go whole: what is left of the oldest one stays in the ledger, until it goes, too. */
async function forgetBefore(
  database: Database,
  granularity: Granularity,
  cutoff: number,
  tx: Transaction,
): Promise<void> {
  const [left] = await database.query<{ oldest: number | null }>(
    'oldest kept',
    sql`select ${inMilliseconds(sql`min(v.time)`)} as oldest from ${metricTable(granularity)} as v`,
    tx,
  );
  const until = Math.min(cutoff, left?.oldest ?? cutoff);
  const windows = sql`tstzmultirange(tstzrange(null, ${timestamptz(until)}))`;
  await forgetRemoved(database, granularity, windows, tx);
  await database.query(
    'forget old notes',
    sql`
      with noted as (
        delete from ${qualityNotes} where granularity = ${granularity} and time < ${timestamptz(until)}
      )
      update ${dropped} set windows = windows - ${windows} where granularity = ${granularity}`,
    tx,
  );
}
