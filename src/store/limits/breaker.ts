import { sql } from 'drizzle-orm';
import type { Database } from '../connection/database.ts';

/** Access is refused. Times are milliseconds since the epoch. */
export interface OpenBreaker extends Record<string, unknown> {
  readonly code: number | null;
  readonly reason: string;
  readonly openedAt: number;
  readonly probeAt: number;
}

const at = (instant: number) => new Date(instant).toISOString();

/** The breaker where it is open; `undefined` where requests may be sent. */
export async function readBreaker(database: Database): Promise<OpenBreaker | undefined> {
  const [row] = await database.query<OpenBreaker>(
    'read breaker',
    sql`
      select code, reason, (extract(epoch from opened_at) * 1000)::float8 as "openedAt",
        (extract(epoch from probe_at) * 1000)::float8 as "probeAt"
      from cryptoracle.breaker`,
  );
  return row;
}

/** Lets no process send a request until the next probe is due, `probeInterval` milliseconds from now. */
export async function openBreaker(
  database: Database,
  refusal: { readonly code: number | undefined; readonly reason: string },
  now: number,
  probeInterval: number,
): Promise<void> {
  await database.query(
    'open breaker',
    sql`
      insert into cryptoracle.breaker (code, reason, opened_at, probe_at)
      values (${refusal.code ?? null}, ${refusal.reason}, ${at(now)}, ${at(now + probeInterval)})
      on conflict (id) do update
        set code = excluded.code, reason = excluded.reason, probe_at = excluded.probe_at`,
  );
}

/** Takes the probe that is due, for one caller alone. @returns whether the caller may send it */
export async function claimProbe(database: Database, now: number, probeInterval: number): Promise<boolean> {
  const claimed = await database.query(
    'claim probe',
    sql`
      update cryptoracle.breaker set probe_at = ${at(now + probeInterval)}
      -- A probe further off than that is from before the clock was set back.
      where probe_at not between ${at(now + 1)}::timestamptz and ${at(now + probeInterval)}::timestamptz
      returning id`,
  );
  return claimed.length > 0;
}

/** Makes a probe due at once: a person has started something, perhaps with other credentials. */
export async function makeProbeDue(database: Database, now: number): Promise<void> {
  await database.query('make probe due', sql`update cryptoracle.breaker set probe_at = ${at(now)}`);
}

/** Access is back. @returns whether it had been refused */
export async function closeBreaker(database: Database): Promise<boolean> {
  const closed = await database.query('close breaker', sql`delete from cryptoracle.breaker returning id`);
  return closed.length > 0;
}
