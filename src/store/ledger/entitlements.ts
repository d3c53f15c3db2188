import { inArray, type SQL, type SQLWrapper, sql } from 'drizzle-orm';
import type { MetricCode, TagCode } from '../../catalog/index.ts';
import type { Instant, Milliseconds } from '../../time.ts';
import type { Database, Transaction } from '../connection/database.ts';
import type { Reader } from '../connection/reader.ts';
import { entitlements } from '../schema/index.ts';
import { timestamptz } from '../schema/sql.ts';
import { endEvent, noteEvent } from './events.ts';

/** How long a refusal is believed; then the code is asked for once more (API page, code 205). */
const believedFor: Milliseconds = 86_400_000;

/** How far the clocks of two processes may differ. */
const clockTolerance: Milliseconds = 300_000;

/** Whether a refusal still counts at an instant. One in the future is from before the clock was set back. */
export function isBelieved(refusedAt: SQLWrapper, now: SQL): SQL {
  const seconds = (milliseconds: Milliseconds) => sql.raw(`interval '${milliseconds / 1000} seconds'`);
  return sql`(
    ${refusedAt} > ${now} - ${seconds(believedFor)} and ${refusedAt} < ${now} + ${seconds(clockTolerance)})`;
}

/** Codes that the subscription does not include, as of the last look, at most a day ago. */
export async function readRefused(reader: Reader, now: Instant): Promise<ReadonlySet<MetricCode | TagCode>> {
  const { metric, lastRefusedAt } = entitlements;
  const rows = await reader.run('read entitlements', (db) =>
    db
      .select({ metric })
      .from(entitlements)
      .where(isBelieved(lastRefusedAt, timestamptz(now))),
  );
  return new Set(rows.map((row) => row.metric));
}

/** When each code that was refused is asked for again: when its last refusal is believed no more. */
export async function readRefusalEnds(reader: Reader): Promise<ReadonlyMap<MetricCode | TagCode, Instant>> {
  const { metric, lastRefusedAt } = entitlements;
  const rows = await reader.run('read entitlements', (db) =>
    db.select({ metric, lastRefusedAt }).from(entitlements),
  );
  return new Map(rows.map((row) => [row.metric, row.lastRefusedAt + believedFor] as const));
}

/** Codes that were answered, and when. */
interface Granted {
  readonly codes: readonly (MetricCode | TagCode)[];
  readonly receivedAt: Instant;
}

/** Codes that were answered are part of the subscription, whatever was said before. */
export async function forgetRefused(
  database: Database,
  answers: readonly Granted[],
  tx: Transaction,
): Promise<void> {
  if (answers.length === 0) return;
  const codes = [...new Set(answers.flatMap((answer) => answer.codes))];
  const forgotten = await database.run(
    'forget entitlements',
    (db) =>
      db
        .delete(entitlements)
        .where(inArray(entitlements.metric, codes))
        .returning({ metric: entitlements.metric }),
    tx,
  );
  const now = Math.max(...answers.map(({ receivedAt }) => receivedAt));
  for (const { metric } of forgotten) {
    await endEvent(database, { kind: 'metric refused', subject: metric }, now, tx);
  }
}

export async function storeRefused(
  database: Database,
  code: MetricCode | TagCode,
  now: Instant,
): Promise<void> {
  await database.transaction(async (tx) => {
    await database.run(
      'store entitlement',
      (db) =>
        db
          .insert(entitlements)
          .values({ metric: code, refusedSince: now, lastRefusedAt: now })
          .onConflictDoUpdate({ target: entitlements.metric, set: { lastRefusedAt: now } }),
      tx,
    );
    const message = `the subscription does not include ${code}: it is left out, and looked at again once a day`;
    await noteEvent(database, { kind: 'metric refused', at: now, isOpen: true, subject: code, message }, tx);
  });
}
