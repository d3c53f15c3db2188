import { and, eq, sql } from 'drizzle-orm';
import type { Logger } from 'pino';
import type { Granularity } from '../../catalog/index.ts';
import { innermost } from '../../errors.ts';
import type { Instant, Milliseconds } from '../../time.ts';
import type { Database, Transaction } from '../connection/database.ts';
import type { EventKind } from '../schema/events.ts';
import { events } from '../schema/index.ts';
import { columnNames, intervalOf, timestamptz } from '../schema/sql.ts';

export type { EventKind } from '../schema/events.ts';

/**
 * The story of the pipeline: what happened, one row each. Written where it is noticed, in the transaction of what it is
 * about where there is one. What repeats itself is one event that grows.
 */

export interface EventToNote {
  readonly kind: EventKind;
  /** When it happened, or began. */
  readonly at: Instant;
  /** When it ended, or was noticed last; `at` where it is not given. */
  readonly until?: Instant | undefined;
  /** Whether it goes on, until {@link endEvent}. */
  readonly isOpen?: boolean;
  readonly granularity?: Granularity | undefined;
  /** What it is about; events of another subject are events of their own. */
  readonly subject?: string;
  readonly message: string;
  /**
   * How long after the last of its kind and subject it still counts as the same one: for what repeats itself. Absent: it is
   * one of its own, unless one like it goes on.
   */
  readonly joinsWithin?: Milliseconds;
}

/** Longest message that is kept, in characters. */
const longest = 2000;

/** Text of any origin as PostgreSQL stores it. */
const storable = (text: string) =>
  text.toWellFormed().replaceAll('\0', '\u{fffd}').slice(0, longest).toWellFormed();

/** A repetition so soon after the last one changes nothing: many calls may notice the same at once. */
const grain: Milliseconds = 60_000;

const name = columnNames(events);

/** Enters an event, or has the one that it repeats grow. @returns whether it is a new one */
export function noteEvent(database: Database, event: EventToNote, tx?: Transaction): Promise<boolean> {
  const within = async (each: Transaction) =>
    !(await hasJoined(database, event, each)) && (await enter(database, event, each));
  return tx === undefined ? database.transaction(within) : within(tx);
}

/** The event that this one repeats, if any. */
function sameAs({ kind, subject = '', granularity, at, until = at, joinsWithin }: EventToNote) {
  const recent =
    joinsWithin === undefined
      ? sql``
      : sql`or (${events.until} >= ${timestamptz(at - joinsWithin)} and ${events.at} <= ${timestamptz(until + joinsWithin)})`;
  return sql`
    ${events.kind} = ${kind} and ${events.subject} = ${storable(subject)}
    and ${events.granularity} is not distinct from ${granularity ?? null}::text and (${events.isOpen} ${recent})`;
}

async function hasJoined(database: Database, event: EventToNote, tx: Transaction): Promise<boolean> {
  const { at, until = at, isOpen = false, message } = event;
  const [row] = await database.query<{ found: boolean }>(
    'join event',
    sql`
      with last as (
        select ${events.id} as id from ${events} where ${sameAs(event)} order by ${events.until} desc, ${events.id} desc limit 1
      ), grown as (
        update ${events} as e
        set ${name.at} = least(e.${name.at}, ${timestamptz(at)}), ${name.until} = greatest(e.${name.until}, ${timestamptz(until)}),
          ${name.isOpen} = ${isOpen}::boolean, ${name.times} = e.${name.times} + 1, ${name.message} = ${storable(message)}
        from last
        where e.${name.id} = last.id
          and (e.${name.isOpen} <> ${isOpen}::boolean or e.${name.at} > ${timestamptz(at)} or e.${name.until} <= ${timestamptz(until)} - ${intervalOf(grain)})
      )
      select exists (select from last) as found`,
    tx,
  );
  return row?.found ?? false;
}

/** Whoever notices the same at the same moment waits, and finds it entered. */
async function enter(database: Database, event: EventToNote, tx: Transaction): Promise<boolean> {
  const { kind, at, until = at, isOpen = false, granularity, subject = '', message } = event;
  const mayRepeat = isOpen || event.joinsWithin !== undefined;
  if (mayRepeat) {
    await database.query(
      'lock event',
      sql`select pg_advisory_xact_lock(hashtextextended('cryptoracle event ' || ${`${kind} ${granularity} ${subject}`}, 0))`,
      tx,
    );
  }
  const rows = await database.query<{ id: string }>(
    'enter event',
    sql`
      insert into ${events} (${name.at}, ${name.until}, ${name.isOpen}, ${name.kind}, ${name.granularity}, ${name.subject}, ${name.message})
      select ${timestamptz(at)}, ${timestamptz(until)}, ${isOpen}::boolean, ${kind}, ${granularity ?? null}, ${storable(subject)},
        ${storable(message)}
      where not (${mayRepeat}::boolean and exists (select from ${events} where ${sameAs(event)}))
      returning ${events.id}`,
    tx,
  );
  return rows.length > 0;
}

/** Ends what goes on. @param message says how, in place of what was said before @returns whether it went on */
export async function endEvent(
  database: Database,
  ended: Pick<EventToNote, 'kind' | 'subject' | 'granularity'>,
  now: Instant,
  tx?: Transaction,
): Promise<boolean> {
  const { kind, subject = '', granularity } = ended;
  const found = await database.run(
    'end event',
    (db) =>
      db
        .update(events)
        .set({ isOpen: false, until: sql`greatest(${events.at}, ${timestamptz(now)})` })
        .where(
          and(
            eq(events.isOpen, true),
            eq(events.kind, kind),
            eq(events.subject, storable(subject)),
            sql`${events.granularity} is not distinct from ${granularity ?? null}::text`,
          ),
        )
        .returning({ id: events.id }),
    tx,
  );
  return found.length > 0;
}

/** Enters an event that nothing depends on: where it cannot be written the work goes on, and the log says so. */
export async function tryToNote(database: Database, log: Logger, event: EventToNote): Promise<void> {
  await quietly(log, event.kind, () => noteEvent(database, event));
}

/** {@link endEvent}, where nothing depends on it. @returns whether it went on, as far as that could be seen */
export async function tryToEnd(
  database: Database,
  log: Logger,
  ended: Pick<EventToNote, 'kind' | 'subject' | 'granularity'>,
  now: Instant,
): Promise<boolean> {
  return (await quietly(log, ended.kind, () => endEvent(database, ended, now))) ?? false;
}

async function quietly<T>(log: Logger, event: EventKind, write: () => Promise<T>): Promise<T | undefined> {
  try {
    return await write();
  } catch (error) {
    log.debug({ event, error: innermost(error) }, 'an event could not be written');
    return undefined;
  }
}
