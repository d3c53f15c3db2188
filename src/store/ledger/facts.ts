import { eq, sql } from 'drizzle-orm';
import { z } from 'zod';
import { type DayStart, dayStarts } from '../../catalog/index.ts';
import type { RecordUnit } from '../../planning/request.ts';
import type { Instant, Milliseconds } from '../../time.ts';
import type { Database, Transaction } from '../connection/database.ts';
import type { Reader } from '../connection/reader.ts';
import type { FactSource } from '../schema/facts.ts';
import { coverage, refreshed, suspects, facts as table } from '../schema/index.ts';
import { columnNames, excluded, timestamptz } from '../schema/sql.ts';
import { noteEvent } from './events.ts';

/**
 * Facts about the API that its page leaves open. Once found, a fact stands in the database: all
 * processes act by it, and a restart forgets none of it.
 */

/** Each fact with the values that it can have. */
export interface FactValues {
  /** When a day starts on the Beijing clock, and a 1d window with it. */
  readonly day_start: DayStart;
  /** The unit that the API counts against its limit. */
  readonly record_unit: RecordUnit;
  /** Most records that an answer holds. */
  readonly record_limit: number;
  /** Whether the API serves its list of tokens. */
  readonly token_list: 'served' | 'not served';
  /** Whether a request without any tag is accepted. */
  readonly empty_tags: 'accepted' | 'refused';
  /** Milliseconds that the clock of the API is ahead of ours; negative where it is behind. */
  readonly clock_offset: Milliseconds;
}

export type FactName = keyof FactValues;

export type { FactSource } from '../schema/facts.ts';

export interface Fact<Value> {
  readonly value: Value;
  readonly found: FactSource;
  /** The evidence, for people. */
  readonly detail: string | undefined;
  /** Since when it is known; `undefined` for what is assumed. */
  readonly since: Instant | undefined;
}

export type Facts = { readonly [Name in FactName]: Fact<FactValues[Name]> };

const assumed = <Value>(value: Value): Fact<Value> => ({
  value,
  found: 'assumed',
  detail: undefined,
  since: undefined,
});

/** The facts that hold until something shows otherwise (API page; the vendor's later pages for the day). */
export const assumedFacts: Facts = {
  day_start: assumed<DayStart>('08:00'),
  record_unit: assumed<RecordUnit>('value'),
  record_limit: assumed(2000),
  token_list: assumed<FactValues['token_list']>('served'),
  empty_tags: assumed<FactValues['empty_tags']>('accepted'),
  clock_offset: assumed(0),
};

const valueSchemas: { readonly [Name in FactName]: z.ZodType<FactValues[Name]> } = {
  day_start: z.enum(dayStarts),
  record_unit: z.enum(['value', 'row']),
  record_limit: z.coerce.number().int().positive(),
  token_list: z.enum(['served', 'not served']),
  empty_tags: z.enum(['accepted', 'refused']),
  clock_offset: z.coerce.number().int(),
};

type StoredFact = typeof table.$inferSelect;

/** All facts: what was found, and what is assumed of the others. */
export async function readFacts(reader: Pick<Reader, 'run'>): Promise<Facts> {
  const stored = await reader.run('read facts', (db) => db.select().from(table));
  const known = new Map(stored.map((fact) => [fact.name, fact]));
  return {
    day_start: readOne('day_start', known),
    record_unit: readOne('record_unit', known),
    record_limit: readOne('record_limit', known),
    token_list: readOne('token_list', known),
    empty_tags: readOne('empty_tags', known),
    clock_offset: readOne('clock_offset', known),
  };
}

/** A value that only another version of the program can read counts as not found. */
function readOne<Name extends FactName>(name: Name, known: ReadonlyMap<string, StoredFact>): Facts[Name] {
  const fallback = assumedFacts[name];
  const stored = known.get(name);
  const parsed = stored === undefined ? undefined : valueSchemas[name].safeParse(stored.value);
  if (stored === undefined || parsed?.success !== true) return fallback;
  const { found, detail, since } = stored;
  return { ...fallback, value: parsed.data, found, detail: detail ?? undefined, since };
}

/** A fact as it is stored. */
export interface FoundFact<Name extends FactName> {
  readonly name: Name;
  readonly value: FactValues[Name];
  readonly found: FactSource;
  readonly detail?: string | undefined;
}

/**
 * Keeps what was found; writes nothing where that is known already, and known in the same way.
 * @returns `isNew`: whether the value is another than the one stored before, or the first
 */
export function storeFact<Name extends FactName>(
  database: Database,
  fact: FoundFact<Name>,
  now: Instant,
  tx?: Transaction,
): Promise<{ readonly isNew: boolean }> {
  const within = async (each: Transaction) => {
    const isNew = await keepFact(database, fact, now, each);
    if (isNew) await noteFact(database, fact, now, each);
    return { isNew };
  };
  return tx === undefined ? database.transaction(within) : within(tx);
}

/** A fact that changes within an hour, as a clock's offset may, is one event. */
const sameFact: Milliseconds = 3_600_000;

const units: Readonly<Partial<Record<FactName, string>>> = { clock_offset: ' ms' };

async function noteFact<Name extends FactName>(
  database: Database,
  { name, value, found, detail }: FoundFact<Name>,
  now: Instant,
  tx: Transaction,
): Promise<void> {
  const message = `${name} is ${value}${units[name] ?? ''} (${detail ?? found})`;
  await noteEvent(
    database,
    { kind: 'fact learned', at: now, subject: name, message, joinsWithin: sameFact },
    tx,
  );
}

async function keepFact<Name extends FactName>(
  database: Database,
  { name, value, found, detail }: FoundFact<Name>,
  now: Instant,
  tx: Transaction,
): Promise<boolean> {
  const to = columnNames(table);
  const said = excluded(table);
  const [row] = await database.query<{ isNew: boolean }>(
    'store fact',
    sql`
      with before as (select ${table.value} as value from ${table} where ${table.name} = ${name})
      insert into ${table} as fact (${to.name}, ${to.value}, ${to.found}, ${to.detail}, ${to.since})
      values (${name}, ${String(value)}, ${found}, ${detail ?? null}, ${timestamptz(now)})
      on conflict (${to.name}) do update
        set ${to.value} = ${said.value}, ${to.found} = ${said.found}, ${to.detail} = ${said.detail},
          ${to.since} = ${said.since}
        where (fact.${to.value}, fact.${to.found}) is distinct from (${said.value}, ${said.found})
      returning fact.${to.value} is distinct from (select value from before) as "isNew"`,
    tx,
  );
  return row?.isNew ?? false;
}

/** Facts that settings state; absent where they leave them to be found. */
export type StatedFacts = { readonly [Name in FactName]?: FactValues[Name] | undefined };

/** The facts as they count: what a setting says comes before what was found. */
export function withStated(facts: Facts, stated: StatedFacts): Facts {
  const override = <Value>(fact: Fact<Value>, value: Value | undefined): Fact<Value> =>
    value === undefined ? fact : { value, found: 'setting', detail: undefined, since: undefined };
  return {
    day_start: override(facts.day_start, stated.day_start),
    record_unit: override(facts.record_unit, stated.record_unit),
    record_limit: override(facts.record_limit, stated.record_limit),
    token_list: override(facts.token_list, stated.token_list),
    empty_tags: override(facts.empty_tags, stated.empty_tags),
    clock_offset: override(facts.clock_offset, stated.clock_offset),
  };
}

/** When a day starts. A setting is kept as a fact where the pipeline starts, so that SQL follows it, too. */
export async function readDayStart(reader: Pick<Reader, 'run'>): Promise<DayStart> {
  return (await readFacts(reader)).day_start.value;
}

/** Keeps what the setting DAY_START says; `auto` says nothing. */
export async function keepStatedDayStart(
  database: Database,
  stated: DayStart | 'auto',
  now: Instant,
): Promise<void> {
  if (stated !== 'auto') await keepDayStart(database, { value: stated, found: 'setting' }, now);
}

/**
 * Keeps when a day starts. Where that is another hour than was believed, the ledger of 1d windows is given up, so that
 * they are asked for again where they really start; stored values stay.
 *
 * @returns whether it is another hour than was believed
 */
export function keepDayStart(
  database: Database,
  fact: Omit<FoundFact<'day_start'>, 'name'>,
  now: Instant,
): Promise<boolean> {
  return database.transaction(async (tx) => {
    const before = await readDayStart({ run: (name, question) => database.run(name, question, tx) });
    await storeFact(database, { ...fact, name: 'day_start' }, now, tx);
    if (before === fact.value) return false;
    for (const ledger of [coverage, refreshed]) {
      await database.run(
        'give up 1d ledger',
        (db) => db.update(ledger).set({ answered: '{}' }).where(eq(ledger.granularity, '1d')),
        tx,
      );
    }
    await database.run(
      'give up 1d suspects',
      (db) => db.delete(suspects).where(eq(suspects.granularity, '1d')),
      tx,
    );
    return true;
  });
}
