import { sql } from 'drizzle-orm';
import {
  bigint,
  boolean,
  date,
  doublePrecision,
  index,
  integer,
  interval,
  primaryKey,
  smallint,
  text,
  timestamp,
  unique,
} from 'drizzle-orm/pg-core';
import { cryptoracle, instant, tstzmultirange, tstzrange } from './types.ts';

/** What was asked for and answered, changed, refused: the program's memory. */

export const coverage = cryptoracle.table(
  'coverage',
  {
    granularity: text('granularity').notNull(),
    token: text('token').notNull(),
    metric: text('metric').notNull(),
    answered: tstzmultirange('answered').notNull().default(sql`'{}'`),
  },
  (table) => [primaryKey({ columns: [table.granularity, table.token, table.metric] })],
);

const id = () => bigint('id', { mode: 'number' }).primaryKey().generatedAlwaysAsIdentity();

export const revisions = cryptoracle.table(
  'revisions',
  {
    id: id(),
    granularity: text('granularity').notNull(),
    token: text('token').notNull(),
    time: timestamp('time', { withTimezone: true }).notNull(),
    metric: text('metric').notNull(),
    old: doublePrecision('old'),
    new: doublePrecision('new').notNull(),
    revisedAt: instant('revised_at').notNull(),
  },
  (table) => [
    index('revisions_cell').on(table.granularity, table.token, table.time, table.metric),
    index('revisions_revised_at').on(table.granularity, table.revisedAt),
  ],
);

export const quarantine = cryptoracle.table(
  'quarantine',
  {
    id: id(),
    granularity: text('granularity').notNull(),
    token: text('token'),
    time: timestamp('time', { withTimezone: true }),
    metric: text('metric'),
    reason: text('reason').notNull(),
    part: text('part'),
    raw: text('raw').notNull(),
    /** What makes an entry the same one seen again, without indexing raw forms of any length. */
    rawDigest: text('raw_digest').notNull().generatedAlwaysAs(sql`md5(raw)`),
    timesSeen: integer('times_seen').notNull().default(1),
    firstSeenAt: instant('first_seen_at').notNull(),
    lastSeenAt: instant('last_seen_at').notNull(),
    requestId: bigint('request_id', { mode: 'number' }),
    resolution: text('resolution'),
    resolvedAt: timestamp('resolved_at', { withTimezone: true }),
  },
  (table) => [
    unique('quarantine_entry')
      .on(table.granularity, table.token, table.time, table.metric, table.reason, table.rawDigest)
      .nullsNotDistinct(),
  ],
);

export const qualityNotes = cryptoracle.table(
  'quality_notes',
  {
    granularity: text('granularity').notNull(),
    token: text('token').notNull(),
    time: timestamp('time', { withTimezone: true }).notNull(),
    metric: text('metric').notNull(),
    note: text('note').notNull(),
    value: doublePrecision('value').notNull(),
    detail: text('detail').notNull(),
    notedAt: instant('noted_at').notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.granularity, table.token, table.time, table.metric, table.note] }),
    index('quality_notes_time').on(table.granularity, table.time),
  ],
);

/** Windows that were written and not looked over since; entered with the rows, taken out with the notes. */
export const qualityDue = cryptoracle.table('quality_due', {
  id: id(),
  granularity: text('granularity').notNull(),
  windows: tstzrange('windows').notNull(),
});

export const requests = cryptoracle.table(
  'requests',
  {
    id: id(),
    sentAt: instant('sent_at').notNull(),
    what: text('what').notNull(),
    lane: text('lane').notNull(),
    granularity: text('granularity'),
    windowsFrom: timestamp('windows_from', { withTimezone: true }),
    windowsTo: timestamp('windows_to', { withTimezone: true }),
    tokens: text('tokens').array().notNull().default(sql`'{}'`),
    metrics: text('metrics').array().notNull().default(sql`'{}'`),
    outcome: text('outcome').notNull(),
    code: integer('code'),
    records: integer('records').notNull().default(0),
    rowsWritten: integer('rows_written').notNull().default(0),
    milliseconds: integer('milliseconds').notNull(),
    message: text('message'),
  },
  (table) => [index('requests_sent_at').on(table.sentAt)],
);

export const entitlements = cryptoracle.table('entitlements', {
  metric: text('metric').primaryKey(),
  refusedSince: instant('refused_since').notNull(),
  lastRefusedAt: instant('last_refused_at').notNull(),
});

/** What the API was found to do, where its page leaves that open: one row for each thing that was found. */
export const facts = cryptoracle.table('facts', {
  name: text('name').primaryKey(),
  value: text('value').notNull(),
  found: text('found').notNull(),
  detail: text('detail'),
  since: instant('since').notNull(),
});

/** What the settings want, so that SQL can tell what is missing: one row a granularity. */
export const wanted = cryptoracle.table('wanted', {
  granularity: text('granularity').primaryKey(),
  historyStart: instant('history_start').notNull(),
  settleDelay: interval('settle_delay').notNull(),
  tokens: text('tokens').array(),
  metrics: text('metrics').array().notNull(),
});

export const backfills = cryptoracle.table('backfills', {
  id: id(),
  windowsFrom: timestamp('windows_from', { withTimezone: true }).notNull(),
  windowsTo: timestamp('windows_to', { withTimezone: true }).notNull(),
  granularities: text('granularities').array().notNull(),
  tokens: text('tokens').array().notNull(),
  metrics: text('metrics').array().notNull(),
  refresh: boolean('refresh').notNull().default(false),
  evenUnavailable: boolean('even_unavailable').notNull().default(false),
  state: text('state').notNull(),
  valuesOrdered: bigint('values_ordered', { mode: 'number' }),
  requestsPlanned: integer('requests_planned'),
  requestsSent: integer('requests_sent').notNull().default(0),
  startedAt: instant('started_at').notNull(),
  heartbeatAt: instant('beat_at'),
  endedAt: instant('ended_at'),
  message: text('message'),
});

/** The ledger of an order that asks again for what is answered: what it has been answered since it was placed. */
export const refreshed = cryptoracle.table(
  'refreshed',
  {
    backfill: bigint('backfill', { mode: 'number' }).notNull(),
    granularity: text('granularity').notNull(),
    token: text('token').notNull(),
    metric: text('metric').notNull(),
    answered: tstzmultirange('answered').notNull().default(sql`'{}'`),
  },
  (table) => [primaryKey({ columns: [table.backfill, table.granularity, table.token, table.metric] })],
);

export const tokenTags = cryptoracle.table(
  'token_tags',
  {
    token: text('token').notNull(),
    tag: text('tag').notNull(),
    value: text('value').notNull(),
    firstDay: date('first_day').notNull(),
    lastDay: date('last_day').notNull(),
  },
  (table) => [primaryKey({ columns: [table.token, table.tag, table.firstDay] })],
);

/** One row while the API refuses access, none otherwise. */
export const breaker = cryptoracle.table('breaker', {
  id: smallint('id').primaryKey().default(1),
  code: integer('code'),
  reason: text('reason').notNull(),
  openedAt: instant('opened_at').notNull(),
  probeAt: instant('probe_at').notNull(),
});

export const pace = cryptoracle.table('pace', {
  id: smallint('id').primaryKey().default(1),
  nextAt: timestamp('next_at', { withTimezone: true }).notNull(),
  repairUntil: timestamp('repair_until', { withTimezone: true }),
  lookbackUntil: timestamp('lookback_until', { withTimezone: true }),
  day: date('day'),
  sentToday: integer('sent_today').notNull().default(0),
});
