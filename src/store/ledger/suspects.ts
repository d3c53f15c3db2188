import { type SQL, sql } from 'drizzle-orm';
import { alias } from 'drizzle-orm/pg-core';
import type { Granularity, MetricCode, TagCode, Token } from '../../catalog/index.ts';
import type { WantedWindows } from '../../planning/plan.ts';
import type { Instant, Milliseconds } from '../../time.ts';
import type { Database, Transaction } from '../connection/database.ts';
import { coverage, requests, suspects } from '../schema/index.ts';
import {
  columnNames,
  excluded,
  inMilliseconds,
  intervalOf,
  metricTable,
  textArray,
  timestamptz,
  timestamptzArray,
  tstzrangeOf,
} from '../schema/sql.ts';
import { firstValueOf } from './availability.ts';
import type { CellSelection } from './coverage.ts';
import { noteEvent } from './events.ts';

/**
 * Suspects: windows that were answered with nothing where something was to be expected. A vendor whose own database is ill
 * answers like that for everything. They are entered as answered only after they were asked for again in vain for a day.
 */

/** How long nothing is believed. */
const believedAfter: Milliseconds = 86_400_000;

/** Until suspects are asked for again the first time; each pause after it is four times what has passed since the first answer. */
const firstPause: Milliseconds = 600_000;
const growth = 4;

/** Answers of one minute share a row of the table. */
const grain: Milliseconds = 60_000;

/** When suspects of that age are asked for again, for the last time after a day. */
export function nextAskAt(since: Instant, now: Instant): Instant {
  const last = since + believedAfter;
  const next = now + Math.max(firstPause, growth * (now - since));
  // What would come shortly before the last time waits for it.
  return next > last - believedAfter / 8 ? last : next;
}

/** A part of the suspects: the windows of one token and metric that share a history. */
interface Held extends Record<string, unknown> {
  readonly token: Token;
  readonly metric: MetricCode | TagCode;
  readonly since: Instant;
  readonly times: number;
  /** A multirange, as PostgreSQL writes it. */
  readonly windows: string;
}

/** Suspects of the selection's tokens and metrics that overlap its interval. */
const overlapping = ({ granularity, tokens, metrics, interval }: CellSelection): SQL => sql`
  ${suspects.granularity} = ${granularity} and ${suspects.token} = any (${textArray(tokens)})
  and ${suspects.metric} = any (${textArray(metrics)}) and ${suspects.windows} && ${tstzrangeOf(interval)}`;

const rangesOf = ({ interval }: CellSelection): SQL => sql`tstzmultirange(${tstzrangeOf(interval)})`;

/**
 * Enters that the selection was answered with nothing. What is so for a day is entered in the ledger as answered; what is
 * answered already stays as it is. Whoever calls it holds the locks of the tokens.
 */
export async function enterSuspects(
  database: Database,
  selection: CellSelection,
  now: Instant,
  tx: Transaction,
): Promise<void> {
  const held = await database.query<Held>(
    'read suspects',
    sql`
      select ${suspects.token}, ${suspects.metric}, ${inMilliseconds(suspects.since)} as since, ${suspects.times},
        (${suspects.windows} * ${rangesOf(selection)})::text as windows
      from ${suspects} where ${overlapping(selection)}`,
    tx,
  );
  if (held.length > 0) await takeOut(database, selection, tx);
  // What lies in the future is from before the clock was set back.
  const isOld = ({ since }: Held) => Math.abs(now - since) >= believedAfter;
  await believe(database, selection.granularity, held.filter(isOld), tx);
  const doubted = held.filter((each) => !isOld(each)).map((each) => ({ ...each, times: each.times + 1 }));
  await enterHeld(database, selection.granularity, doubted, now, tx);
  const isEntered = await enterNew(database, selection, held, now, tx);
  if (!isEntered && doubted.length === 0) return;
  const { granularity } = selection;
  const message = `nothing came of ${granularity} where something is to be expected: asked for again before it is believed`;
  await noteEvent(
    database,
    { kind: 'suspect answers', at: now, granularity, message, joinsWithin: believedAfter },
    tx,
  );
}

/** The selections were answered with values: nothing of them is suspect any more. */
export async function clearSuspects(
  database: Database,
  selections: readonly CellSelection[],
  tx: Transaction,
): Promise<void> {
  if (selections.length === 0) return;
  const any = sql.join(
    selections.map((selection) => sql`(${overlapping(selection)})`),
    sql` or `,
  );
  const [found] = await database.run(
    'look for suspects',
    (db) => db.select({ token: suspects.token }).from(suspects).where(any).limit(1),
    tx,
  );
  if (found === undefined) return;
  for (const selection of selections) await takeOut(database, selection, tx);
}

async function takeOut(database: Database, selection: CellSelection, tx: Transaction): Promise<void> {
  await database.run(
    'take out suspects',
    (db) =>
      db
        .update(suspects)
        .set({ windows: sql`${suspects.windows} - ${rangesOf(selection)}` })
        .where(overlapping(selection)),
    tx,
  );
  await database.run(
    'drop suspects',
    (db) => db.delete(suspects).where(sql`isempty(${suspects.windows})`),
    tx,
  );
}

/** Parts of suspects as a relation: token, metric, since, windows. */
const heldRows = (held: readonly Held[]): SQL => sql`
  unnest(${textArray(held.map(({ token }) => token))}, ${textArray(held.map(({ metric }) => metric))},
    ${timestamptzArray(held.map(({ since }) => since))}, ${sql.param(held.map(({ times }) => times))}::int[],
    ${textArray(held.map(({ windows }) => windows))})`;

/** Enters windows as answered, without a value. */
async function believe(
  database: Database,
  granularity: Granularity,
  held: readonly Held[],
  tx: Transaction,
): Promise<void> {
  if (held.length === 0) return;
  const ledger = columnNames(coverage);
  await database.query(
    'believe suspects',
    sql`
      insert into ${coverage} (${ledger.granularity}, ${ledger.token}, ${ledger.metric}, ${ledger.answered})
      select ${granularity}, token, metric, range_agg(windows::tstzmultirange)
      from ${heldRows(held)} as h (token, metric, since, times, windows)
      group by token, metric order by token, metric
      on conflict (${ledger.granularity}, ${ledger.token}, ${ledger.metric}) do update
        set ${ledger.answered} = ${coverage.answered} + ${excluded(coverage).answered}`,
    tx,
  );
}

const name = columnNames(suspects);
const columns = sql`
  ${name.granularity}, ${name.token}, ${name.metric}, ${name.since}, ${name.times}, ${name.windows},
  ${name.askedAt}, ${name.askAt}`;
const merged = sql`
  on conflict (${name.granularity}, ${name.token}, ${name.metric}, ${name.since}, ${name.times}) do update
    set ${name.windows} = ${suspects.windows} + ${excluded(suspects).windows},
      ${name.askedAt} = greatest(${suspects.askedAt}, ${excluded(suspects).askedAt}),
      ${name.askAt} = greatest(${suspects.askAt}, ${excluded(suspects).askAt})`;

async function enterHeld(
  database: Database,
  granularity: Granularity,
  held: readonly Held[],
  now: Instant,
  tx: Transaction,
): Promise<void> {
  if (held.length === 0) return;
  const due = timestamptzArray(held.map(({ since }) => nextAskAt(since, now)));
  await database.query(
    'enter suspects again',
    sql`
      insert into ${suspects} (${columns})
      select ${granularity}, token, metric, since, times, range_agg(windows::tstzmultirange),
        ${timestamptz(now)}, max(ask_at)
      from ${heldRows(held)} with ordinality as h (token, metric, since, times, windows, place)
      join unnest(${due}) with ordinality as d (ask_at, place) using (place)
      group by token, metric, since, times
      order by token, metric, since, times
      ${merged}`,
    tx,
  );
}

/** Enters what of the selection is neither answered nor was suspect before. @returns whether there was anything */
async function enterNew(
  database: Database,
  selection: CellSelection,
  held: readonly Held[],
  now: Instant,
  tx: Transaction,
): Promise<boolean> {
  const since = Math.floor(now / grain) * grain;
  const known = alias(coverage, 'known');
  const entered = await database.query(
    'enter suspects',
    sql`
      insert into ${suspects} (${columns})
      select ${selection.granularity}, t.token, m.metric, ${timestamptz(since)}, 1, fresh.windows,
        ${timestamptz(now)}, ${timestamptz(nextAskAt(since, now))}
      from unnest(${textArray(selection.tokens)}) as t (token)
      cross join unnest(${textArray(selection.metrics)}) as m (metric)
      left join ${coverage} as ${known}
        on ${known.granularity} = ${selection.granularity} and ${known.token} = t.token and ${known.metric} = m.metric
      left join (
        select token, metric, range_agg(windows::tstzmultirange) as windows
        from ${heldRows(held)} as h (token, metric, since, times, windows) group by token, metric
      ) as before on before.token = t.token and before.metric = m.metric
      cross join lateral (
        select ${rangesOf(selection)} - coalesce(${known.answered}, '{}') - coalesce(before.windows, '{}') as windows
      ) as fresh
      where not isempty(fresh.windows)
      order by t.token, m.metric
      ${merged}
      returning 1`,
    tx,
  );
  return entered.length > 0;
}

/** Which suspects are left alone: those that are not due yet, or those that were asked for since an instant. */
export interface LeftAlone {
  readonly now?: Instant | undefined;
  readonly askedSince?: Instant | undefined;
}

/** The windows of a token and metric that are left alone, as a multirange; NULL where there are none. */
export function leftAlone(
  granularity: Granularity,
  token: SQL,
  metric: SQL,
  { now, askedSince }: LeftAlone,
): SQL {
  if (now === undefined && askedSince === undefined) return sql`null::tstzmultirange`;
  const isLeft = [
    // A clock that was set back leaves instants too far ahead.
    now === undefined
      ? undefined
      : sql`${suspects.askAt} > ${timestamptz(now)} and ${suspects.askAt} <= ${timestamptz(now + believedAfter)}`,
    askedSince === undefined ? undefined : sql`${suspects.askedAt} >= ${timestamptz(askedSince)}`,
  ].filter((condition) => condition !== undefined);
  return sql`(
    select range_agg(${suspects.windows}) from ${suspects}
    where ${suspects.granularity} = ${granularity} and ${suspects.token} = ${token} and ${suspects.metric} = ${metric}
      and (${sql.join(isLeft, sql` or `)}))`;
}

/** How close to an answer without a value answers with one must lie to show that the API was well, before and after it. */
const around: Milliseconds = 120_000;

/**
 * Believes at once that tokens which never had a value of a granularity lack it, where the API gave values of others
 * just before and just after.
 */
export async function believeLacking(database: Database, granularity: Granularity): Promise<void> {
  const ledger = columnNames(coverage);
  const receivedAt = sql`${requests.sentAt} + ${requests.milliseconds} * interval '1 ms'`;
  const isValued = (from: SQL, to: SQL) => sql`exists (
    select from ${requests}
    where ${requests.granularity} = ${granularity} and ${requests.what} = 'values' and ${requests.outcome} = 'answered'
      and ${requests.records} > 0 and ${requests.sentAt} >= ${from} - interval '10 minutes' and ${requests.sentAt} <= ${to}
      and ${receivedAt} >= ${from} and ${receivedAt} <= ${to})`;
  const s = alias(suspects, 's');
  const length = intervalOf(around);
  await database.query(
    'believe lacking',
    sql`
      with lacking as materialized (
        select token from (select distinct ${s.token} as token from ${suspects} as ${s} where ${s.granularity} = ${granularity}) as t
        where ${firstValueOf(granularity, sql`t.token`)} is null and exists (select from ${metricTable(granularity)})
      ), believed as (
        delete from ${suspects} using lacking
        where ${suspects.granularity} = ${granularity} and ${suspects.token} = lacking.token
          and ${isValued(sql`${suspects.askedAt} - ${length}`, sql`${suspects.askedAt}`)}
          and ${isValued(sql`${suspects.askedAt}`, sql`${suspects.askedAt} + ${length}`)}
        returning ${suspects.token}, ${suspects.metric}, ${suspects.windows}
      )
      insert into ${coverage} (${ledger.granularity}, ${ledger.token}, ${ledger.metric}, ${ledger.answered})
      select ${granularity}, token, metric, range_agg(windows) from believed group by token, metric order by token, metric
      on conflict (${ledger.granularity}, ${ledger.token}, ${ledger.metric}) do update
        set ${ledger.answered} = ${coverage.answered} + ${excluded(coverage).answered}`,
  );
}

/** Granularities in which tokens that never had a value are suspect. */
export async function readDoubtedGranularities(database: Database): Promise<Granularity[]> {
  const rows = await database.run('read doubted granularities', (db) =>
    db.selectDistinct({ granularity: suspects.granularity }).from(suspects),
  );
  return rows.map(({ granularity }) => granularity);
}

/** What is suspect of a granularity. */
export interface SuspectSummary {
  readonly granularity: Granularity;
  /** Token × metric × window cells. */
  readonly cells: number;
  readonly tokens: number;
  /** When the first of them was answered with nothing. */
  readonly since: Instant;
  /** When the first of them is asked for again. */
  readonly askAt: Instant;
}

/** @param within the windows that are wanted, and of which tokens: nobody asks for others again. Absent: all */
export async function readSuspects(
  database: Database,
  within?: { readonly tokens: readonly Token[]; readonly windows: WantedWindows },
): Promise<SuspectSummary[]> {
  const wanted = [...(within?.windows ?? [])].map(
    ([granularity, interval]) => sql`(${granularity}::text, ${tstzrangeOf(interval)})`,
  );
  if (within !== undefined && wanted.length === 0) return [];
  const scope =
    within === undefined
      ? sql`select ${suspects.granularity}, ${suspects.token}, ${suspects.since}, ${suspects.askAt}, ${suspects.windows} from ${suspects}`
      : sql`
        select ${suspects.granularity}, ${suspects.token}, ${suspects.since}, ${suspects.askAt},
          ${suspects.windows} * tstzmultirange(wanted.range) as windows
        from ${suspects}
        join (values ${sql.join(wanted, sql`, `)}) as wanted (granularity, range)
          on wanted.granularity = ${suspects.granularity} and ${suspects.windows} && wanted.range
        where ${suspects.token} = any (${textArray(within.tokens)})`;
  return database.query<SuspectSummary & Record<string, unknown>>(
    'summarise suspects',
    sql`
      select granularity, count(distinct token)::int as tokens,
        sum(parts.seconds / case granularity
          when '15m' then 900 when '1h' then 3600 when '4h' then 14400 else 86400 end)::float8 as cells,
        ${inMilliseconds(sql`min(since)`)} as since, ${inMilliseconds(sql`min(ask_at)`)} as "askAt"
      from (${scope}) as suspect
      cross join lateral (
        select sum(extract(epoch from upper(part) - lower(part))) as seconds from unnest(windows) as part
      ) as parts
      group by granularity
      order by granularity`,
  );
}
