import { and, eq, sql } from 'drizzle-orm';
import type { Granularity, MetricCode } from '../../../catalog/index.ts';
import type { Instant } from '../../../time.ts';
import type { Database, Transaction } from '../../connection/database.ts';
import { endEvent, noteEvent } from '../../ledger/events.ts';
import { type QualityExample, qualityNotes, qualityRules } from '../../schema/index.ts';
import { nextRate, noRate, type Rate, shareOf } from './rates.ts';
import { type CheckedWindows, familiesOf, findingsSql, type Rule } from './rules.ts';

/** Which rules are suspended, and what becomes of their notes. */

/** A rule that was suspended just now, or makes notes again. */
export interface SuspensionChange {
  readonly granularity: Granularity;
  readonly metric: MetricCode;
  readonly note: string;
  readonly isSuspended: boolean;
  /** The share of recent rows on which it fires, 0 to 1. */
  readonly share: number;
  readonly examples: readonly QualityExample[];
}

const exampleCount = 3;

/**
 * Enters on how many rows each rule fired. The notes of a rule that is suspended by it go, and some of what it found stays
 * as examples.
 * @param fired as many numbers as there are rules, in the order of the families
 * @returns the rules that make notes and have something to note; what changed
 */
export async function enterRates(
  database: Database,
  windows: CheckedWindows,
  { rows, fired }: { readonly rows: number; readonly fired: readonly number[] },
  now: Instant,
  tx: Transaction,
): Promise<{ readonly noting: readonly Rule[]; readonly changes: readonly SuspensionChange[] }> {
  const { granularity } = windows;
  const rules = familiesOf(database.catalogue).flatMap((family) => family.rules);
  const before = await readRates(database, granularity, tx);
  const noting: Rule[] = [];
  const changes: SuspensionChange[] = [];
  const next: (typeof qualityRules.$inferInsert)[] = [];
  for (const [place, rule] of rules.entries()) {
    const known = before.get(keyOf(rule));
    const found = fired[place] ?? 0;
    const rate = nextRate(known ?? noRate, rows, found, now);
    const isSuspended = rate.suspendedSince !== null;
    let examples = known?.examples ?? [];
    if (isSuspended !== ((known?.suspendedSince ?? null) !== null)) {
      examples = isSuspended ? await suspend(database, windows, rule, tx) : [];
      const { metric, note } = rule;
      changes.push({ granularity, metric, note, isSuspended, share: shareOf(rate), examples });
      await noteChange(database, { granularity, metric, note, isSuspended, share: shareOf(rate) }, now, tx);
    }
    if (!isSuspended && found > 0) noting.push(rule);
    next.push({ granularity, metric: rule.metric, note: rule.note, ...rate, examples });
  }
  await writeRates(database, next, tx);
  return { noting, changes };
}

/** Enters an event that lasts as long as the rule is suspended. */
async function noteChange(
  database: Database,
  change: Omit<SuspensionChange, 'examples'>,
  now: Instant,
  tx: Transaction,
): Promise<void> {
  const { granularity, metric, note, isSuspended, share } = change;
  const event = { kind: 'rule suspended', granularity, subject: `${metric} ${note}` } as const;
  if (!isSuspended) {
    await endEvent(database, event, now, tx);
    return;
  }
  const message = `the quality rule '${note}' of ${metric} fires on ${(share * 100).toFixed(1)}% of the rows: it makes no notes`;
  await noteEvent(database, { ...event, at: now, isOpen: true, message }, tx);
}

const keyOf = ({ metric, note }: { metric: string; note: string }) => `${metric} ${note}`;

async function readRates(
  database: Database,
  granularity: Granularity,
  tx: Transaction,
): Promise<ReadonlyMap<string, Rate & { readonly examples: readonly QualityExample[] }>> {
  const found = await database.run(
    'read quality rules',
    (db) => db.select().from(qualityRules).where(eq(qualityRules.granularity, granularity)),
    tx,
  );
  return new Map(found.map((row) => [keyOf(row), row]));
}

async function writeRates(
  database: Database,
  next: (typeof qualityRules.$inferInsert)[],
  tx: Transaction,
): Promise<void> {
  await database.run(
    'write quality rules',
    (db) =>
      db
        .insert(qualityRules)
        .values(next)
        .onConflictDoUpdate({
          target: [qualityRules.granularity, qualityRules.metric, qualityRules.note],
          set: {
            rowsChecked: sql`excluded.rows_checked`,
            rowsFound: sql`excluded.rows_found`,
            suspendedSince: sql`excluded.suspended_since`,
            examples: sql`excluded.examples`,
          },
        }),
    tx,
  );
}

/** Removes the notes of a rule. @returns some of what it finds in the windows */
async function suspend(
  database: Database,
  windows: CheckedWindows,
  rule: Rule,
  tx: Transaction,
): Promise<QualityExample[]> {
  await database.run(
    'remove notes of rule',
    (db) =>
      db
        .delete(qualityNotes)
        .where(
          and(
            eq(qualityNotes.granularity, windows.granularity),
            eq(qualityNotes.metric, rule.metric),
            eq(qualityNotes.note, rule.note),
          ),
        ),
    tx,
  );
  const found = await database.query<{ token: string; time: number; value: number; detail: string }>(
    'find examples',
    sql`
      select token, (extract(epoch from time) * 1000)::float8 as time, value, detail
      from (${findingsSql(windows, familiesOf(database.catalogue), [rule])}) as found limit ${sql.raw(String(exampleCount))}`,
    tx,
  );
  return found.map(({ time, ...rest }) => ({ ...rest, time: new Date(time).toISOString() }));
}
