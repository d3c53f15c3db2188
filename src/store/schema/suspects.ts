import { integer, primaryKey, text } from 'drizzle-orm/pg-core';
import type { Granularity, MetricCode, TagCode, Token } from '../../catalog/index.ts';
import { describeTable } from './description.ts';
import { cryptoracle, instant, tstzmultirange } from './types.ts';

/** Windows that were answered with nothing where something was to be expected: asked for again before that is believed. */
export const suspects = cryptoracle.table(
  'suspects',
  {
    granularity: text('granularity').$type<Granularity>().notNull(),
    token: text('token').$type<Token>().notNull(),
    metric: text('metric').$type<MetricCode | TagCode>().notNull(),
    since: instant('since').notNull(),
    times: integer('times').notNull(),
    windows: tstzmultirange('windows').notNull(),
    askedAt: instant('asked_at').notNull(),
    askAt: instant('ask_at').notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.granularity, table.token, table.metric, table.since, table.times] }),
  ],
);

export const suspectsDescription = describeTable(suspects, {
  comment:
    'Windows that were answered with nothing where something was to be expected; they are no part of coverage, are asked for again with growing pauses, and believed to be empty after a day',
  columns: {
    granularity: '15m, 1h, 4h or 1d',
    token: 'Ticker of the token',
    metric: 'API code of the metric or tag',
    since: 'When they were first answered with nothing, to the minute',
    times: 'How often they were answered with nothing',
    windows: 'The windows, half-open ranges',
    askedAt: 'When they were last answered with nothing',
    askAt: 'When they are asked for again',
  },
  rights: { reader: 'select', worker: 'select, insert, update, delete' },
});
