import { setTimeout as sleep } from 'node:timers/promises';
import { type SQL, sql } from 'drizzle-orm';
import type { Granularity } from '../../../catalog/index.ts';
import type { Instant } from '../../../time.ts';
import type { Database, Transaction } from '../../connection/database.ts';
import { noteStoredDays } from '../../ledger/dropped.ts';
import { qualityNotes } from '../../schema/index.ts';
import { timestamptz, windowLengthSql } from '../../schema/sql.ts';
import { readDueGranularities, type Stretch, takeDue } from './due.ts';
import { eachFamily } from './reading.ts';
import { type CheckedWindows, countingSql, familiesOf, findingsSql, type Rule } from './rules.ts';
import { enterRates, type SuspensionChange } from './suspensions.ts';

/**
 * Quality notes: stored values that are hard to believe. They are looked for after the values are stored, and never
 * keep one out; a note goes when its value is corrected.
 */

export interface CheckResult {
  /** Notes that were added. */
  readonly added: number;
  /** Rules that were suspended, or make notes again. */
  readonly changes: readonly SuspensionChange[];
}

const nothingDone: CheckResult = { added: 0, changes: [] };

/** How often it is looked whether another process is done, in milliseconds. */
const retryInterval = 200;

// One at a time: what an older look found must not be written after a newer one.
const lock = 'look over';

/**
 * Checks what was written since the last time and brings the notes up to date; the newest windows first. Waits until no
 * other process does so.
 * @param now when the notes are made
 */
export async function runQualityChecks(
  database: Database,
  now: Instant,
  signal?: AbortSignal,
): Promise<CheckResult> {
  while (signal?.aborted !== true) {
    const result = await runQualityChecksIfFree(database, now, signal);
    if (result !== undefined) return result;
    await sleep(retryInterval, undefined, { signal }).catch(() => {});
  }
  return nothingDone;
}

/** As {@link runQualityChecks}, but leaves it to another process that is at it. @returns `undefined` where one is */
export function runQualityChecksIfFree(
  database: Database,
  now: Instant,
  signal?: AbortSignal,
): Promise<CheckResult | undefined> {
  return database.exclusivelyIfFree(lock, () => checkDue(database, now, signal));
}

async function checkDue(
  database: Database,
  now: Instant,
  signal: AbortSignal | undefined,
): Promise<CheckResult> {
  let added = 0;
  const changes: SuspensionChange[] = [];
  for (const granularity of await readDueGranularities(database)) {
    for (;;) {
      if (signal?.aborted === true) return { added, changes };
      const round = await database.transaction(async (tx) => {
        const due = await takeDue(database, granularity, tx);
        const results: CheckResult[] = [];
        for (const stretch of due) results.push(await checkStretch(database, granularity, stretch, now, tx));
        return { isLast: due.length === 0, results };
      });
      for (const result of round.results) {
        added += result.added;
        changes.push(...result.changes);
      }
      if (round.isLast) break;
    }
  }
  return { added, changes };
}

/**
 * Makes the notes of a stretch what they should be. The window after it is checked, too: whether that fell to zero depends
 * on the last one.
 *
 * First every rule's findings are counted, which is one reading of the rows whatever is in them. So a rule that fires
 * everywhere is suspended before it has made its notes, and sound data cost no more.
 */
async function checkStretch(
  database: Database,
  granularity: Granularity,
  stretch: Stretch,
  now: Instant,
  tx: Transaction,
): Promise<CheckResult> {
  const start = sql`${stretch.start}::timestamptz`;
  const end = sql`${stretch.end}::timestamptz`;
  const endAfter = sql`(${stretch.end}::timestamptz + ${windowLengthSql(granularity)})`;
  const checked: CheckedWindows = { granularity, start, end: endAfter };
  const counts = await eachFamily(database, familiesOf(database.catalogue), tx, (family) =>
    database.query<{ cells: number; fired: number[] }>('count findings', countingSql(checked, family), tx),
  );
  // The first family's cells are all rows.
  const rows = counts[0]?.[0]?.cells ?? 0;
  const fired = counts.flatMap(([count]) => count?.fired ?? []);
  if (rows > 0) await noteStoredDays(database, granularity, checked, tx);
  const { noting, changes } = await enterRates(database, checked, { rows, fired }, now, tx);
  // History is checked from its newest windows on: the window after has its notes, the stretch mostly has none.
  const parts = [
    { granularity, start, end },
    { granularity, start: end, end: endAfter },
  ];
  let added = 0;
  for (const part of parts) {
    if (await haveNotes(database, part, tx)) added += await renewNotes(database, part, noting, now, tx);
    else added += await addNotes(database, part, noting, now, tx);
  }
  return { added, changes };
}

async function haveNotes(
  database: Database,
  { granularity, start, end }: CheckedWindows,
  tx: Transaction,
): Promise<boolean> {
  const [row] = await database.query<{ noted: boolean }>(
    'look for notes',
    sql`
      select exists (
        select from ${qualityNotes} where granularity = ${granularity} and time >= ${start} and time < ${end}
      ) as noted`,
    tx,
  );
  return row?.noted === true;
}

/** Writes notes. @param found where from: a relation like that of the findings, and conditions */
const insertion = ({ granularity }: CheckedWindows, found: SQL, now: Instant) => sql`
  insert into ${qualityNotes} (granularity, token, time, metric, note, value, detail, noted_at)
  select ${granularity}, token, time, metric, note, value, detail, ${timestamptz(now)}
  from ${found}
  -- In the order of the index.
  order by time
  returning 1`;

/** Writes the notes of windows without any. @returns how many */
async function addNotes(
  database: Database,
  windows: CheckedWindows,
  noting: readonly Rule[],
  now: Instant,
  tx: Transaction,
): Promise<number> {
  const families = familiesOf(database.catalogue).filter(({ rules }) =>
    rules.some((rule) => noting.includes(rule)),
  );
  const counts = await eachFamily(database, families, tx, async (family) => {
    const found = sql`(${findingsSql(windows, [family], noting)}) as found`;
    const [row] = await database.query<{ added: number }>(
      'add notes',
      sql`
        with noted as (${insertion(windows, found, now)})
        select count(*)::int as added from noted`,
      tx,
    );
    return row?.added ?? 0;
  });
  return counts.reduce((sum, count) => sum + count, 0);
}

/**
 * Compares what was found with the notes that are there by one full join, which PostgreSQL can only hash or merge. With any
 * other the rows found might be read anew for each note: it knows nothing of how many they are.
 * @returns how many notes were added
 */
async function renewNotes(
  database: Database,
  windows: CheckedWindows,
  noting: readonly Rule[],
  now: Instant,
  tx: Transaction,
): Promise<number> {
  const { granularity, start, end } = windows;
  const [row] = await database.query<{ added: number }>(
    'renew notes',
    sql`
      with compared as materialized (
        select token, time, metric, note, found.value, found.detail, there.place,
          found.value is not null as holds,
          (found.value, found.detail) is distinct from (there.value, there.detail) as differs
        from (${findingsSql(windows, familiesOf(database.catalogue), noting)}) as found
        full join (
          select ctid as place, token, time, metric, note, value, detail from ${qualityNotes}
          where granularity = ${granularity} and time >= ${start} and time < ${end}
        ) as there using (token, time, metric, note)
      ), gone as (
        delete from ${qualityNotes} as n using compared
        where n.ctid = compared.place and not compared.holds
      ), corrected as (
        update ${qualityNotes} as n set value = compared.value, detail = compared.detail from compared
        where n.ctid = compared.place and compared.holds and compared.differs
      ), noted as (${insertion(windows, sql`compared where holds and place is null`, now)})
      select count(*)::int as added from noted`,
    tx,
  );
  return row?.added ?? 0;
}
