import { sql } from 'drizzle-orm';
import { index, integer, text } from 'drizzle-orm/pg-core';
import type { Granularity } from '../../catalog/index.ts';
import type { Lane } from '../../planning/lanes.ts';
import { describeTable } from './description.ts';
import { cryptoracle, exactInstant, id, instant } from './types.ts';

export const requests = cryptoracle.table(
  'requests',
  {
    id: id(),
    sentAt: instant('sent_at').notNull(),
    what: text('what').$type<'values' | 'tokens'>().notNull(),
    lane: text('lane').$type<Lane>().notNull(),
    granularity: text('granularity').$type<Granularity>(),
    windowsFrom: exactInstant('windows_from'),
    windowsTo: exactInstant('windows_to'),
    tokens: text('tokens').array().notNull().default(sql`'{}'`),
    metrics: text('metrics').array().notNull().default(sql`'{}'`),
    outcome: text('outcome').notNull(),
    code: integer('code'),
    records: integer('records').notNull().default(0),
    rowsWritten: integer('rows_written').notNull().default(0),
    windowsBeside: integer('windows_beside').notNull().default(0),
    rejectsDropped: integer('rejects_dropped').notNull().default(0),
    milliseconds: integer('milliseconds').notNull(),
    message: text('message'),
  },
  (table) => [index('requests_sent_at').on(table.sentAt)],
);

export const requestsDescription = describeTable(requests, {
  comment: 'Every call to the API, one row each, retries included',
  columns: {
    id: 'Order of entry',
    sentAt: 'When it was sent',
    what: "'values' (metrics and tags) or 'tokens' (the token list)",
    lane: "What it was for: 'live', 'repair', 'lookback', 'history' or 'audit'",
    granularity: 'Granularity asked for',
    windowsFrom: 'Start of the first window asked for',
    windowsTo: 'End of the last window asked for',
    tokens: 'Tokens asked for',
    metrics: 'Codes of metrics and tags asked for',
    outcome:
      "'answered', 'cut-short' (asked again in parts), or the kind of failure: bad-request, access-denied, no-data, metric-refused, throttled, transient",
    code: "The answer's code, else the HTTP status; NULL where there was no answer",
    records: 'Values in the answer',
    rowsWritten: 'Rows that were new or changed',
    windowsBeside: 'Windows beside the asked range that came along, and were dropped',
    rejectsDropped:
      'Things that could not be stored beyond the 1,000 of an answer that are kept in quarantine',
    milliseconds: 'From sending to the end of the answer',
    message: 'What went wrong',
  },
  rights: { reader: 'select', worker: 'select, insert' },
});
