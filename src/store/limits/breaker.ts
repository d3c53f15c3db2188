import { notBetween, sql } from 'drizzle-orm';
import type { Instant, Milliseconds } from '../../time.ts';
import type { Database, Transaction } from '../connection/database.ts';
import type { Reader } from '../connection/reader.ts';
import { breaker } from '../schema/index.ts';

/** As a breaker's code: every request is found wrong, so that no other will do better (API page, Error Codes). */
export const everyRequestWrong = 201;

/** Access is refused, or every request is found wrong. */
export interface OpenBreaker {
  readonly code: number | null;
  readonly reason: string;
  readonly openedAt: Instant;
  readonly probeAt: Instant;
}

/** The breaker where it is open; `undefined` where requests may be sent. */
export async function readBreaker(reader: Reader): Promise<OpenBreaker | undefined> {
  const { code, reason, openedAt, probeAt } = breaker;
  const [row] = await reader.run('read breaker', (db) =>
    db.select({ code, reason, openedAt, probeAt }).from(breaker),
  );
  return row;
}

/**
 * Lets no process send a request until the next probe is due, `probeInterval` from now.
 * @returns whether access was not refused before
 */
export async function openBreaker(
  database: Database,
  refusal: { readonly code: number | undefined; readonly reason: string },
  now: Instant,
  probeInterval: Milliseconds,
  tx?: Transaction,
): Promise<boolean> {
  const { reason } = refusal;
  const renewed = { code: refusal.code ?? null, reason, probeAt: now + probeInterval };
  const [row] = await database.run(
    'open breaker',
    (db) =>
      db
        .insert(breaker)
        .values({ ...renewed, openedAt: now })
        .onConflictDoUpdate({ target: breaker.id, set: renewed })
        .returning({ isNew: sql<boolean>`xmax = 0` }),
    tx,
  );
  return row?.isNew ?? true;
}

/** Takes the probe that is due, for one caller alone. @returns whether the caller may send it */
export async function claimProbe(
  database: Database,
  now: Instant,
  probeInterval: Milliseconds,
): Promise<boolean> {
  const next = now + probeInterval;
  const claimed = await database.run('claim probe', (db) =>
    db
      .update(breaker)
      .set({ probeAt: next })
      // A probe further off than that is from before the clock was set back.
      .where(notBetween(breaker.probeAt, now + 1, next))
      .returning({ id: breaker.id }),
  );
  return claimed.length > 0;
}

/** Makes a probe due at once: a person has started something, perhaps with other credentials. */
export async function makeProbeDue(database: Database, now: Instant): Promise<void> {
  await database.run('make probe due', (db) => db.update(breaker).set({ probeAt: now }));
}

/** Access is back. @returns whether it had been refused */
export async function closeBreaker(database: Database): Promise<boolean> {
  const closed = await database.run('close breaker', (db) =>
    db.delete(breaker).returning({ id: breaker.id }),
  );
  return closed.length > 0;
}
