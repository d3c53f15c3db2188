import { sql } from 'drizzle-orm';
import type { Granularity } from '../../catalog/index.ts';
import type { Instant } from '../../time.ts';
import type { Questions } from '../connection/reader.ts';
import type { EventKind } from '../ledger/events.ts';
import { events } from '../schema/index.ts';
import { inMilliseconds, textArray, timestamptz } from '../schema/sql.ts';

/** What happened, as it is listed. */

export interface StoredEvent {
  readonly id: number;
  readonly at: Instant;
  /** When it ended, or was last noticed. */
  readonly until: Instant;
  readonly isOpen: boolean;
  readonly kind: EventKind;
  readonly granularity: Granularity | null;
  readonly subject: string;
  readonly message: string;
  readonly times: number;
}

/** A choice of events; what is left out does not narrow it. */
export interface EventFilter {
  readonly kinds?: readonly EventKind[] | undefined;
  readonly granularities?: readonly Granularity[] | undefined;
  /** Those that lasted until then, or happened since. */
  readonly since?: Instant | undefined;
  /** Those that began before. */
  readonly before?: Instant | undefined;
  readonly onlyOpen?: boolean | undefined;
}

/** The newest events first: by when they began. */
export async function readEvents(
  questions: Questions,
  { kinds, granularities, since, before, onlyOpen = false }: EventFilter,
  most: number,
): Promise<{ readonly events: readonly StoredEvent[]; readonly total: number }> {
  const conditions = [
    sql`true`,
    ...(kinds === undefined ? [] : [sql`${events.kind} = any (${textArray(kinds)})`]),
    ...(granularities === undefined ? [] : [sql`${events.granularity} = any (${textArray(granularities)})`]),
    ...(since === undefined ? [] : [sql`(${events.until} >= ${timestamptz(since)} or ${events.isOpen})`]),
    ...(before === undefined ? [] : [sql`${events.at} < ${timestamptz(before)}`]),
    ...(onlyOpen ? [sql`${events.isOpen}`] : []),
  ];
  const rows = await questions.query<StoredEvent & { total: number } & Record<string, unknown>>(
    'read events',
    sql`
      select ${events.id}::float8 as id, ${inMilliseconds(events.at)} as at, ${inMilliseconds(events.until)} as until,
        ${events.isOpen} as "isOpen", ${events.kind} as kind, ${events.granularity} as granularity,
        ${events.subject} as subject, ${events.message} as message, ${events.times} as times,
        (count(*) over ())::int as total
      from ${events}
      where ${sql.join(conditions, sql` and `)}
      order by ${events.at} desc, ${events.id} desc
      limit ${most}`,
  );
  return { events: rows.map(({ total: _, ...event }) => event), total: rows[0]?.total ?? 0 };
}
