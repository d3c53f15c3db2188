import { sql } from 'drizzle-orm';
import { bigint, primaryKey, text } from 'drizzle-orm/pg-core';
import type { Granularity, MetricCode, TagCode, Token } from '../../catalog/index.ts';
import { describeTable } from './description.ts';
import { cryptoracle, tstzmultirange } from './types.ts';

/** The ledger of an order that asks again for what is answered: what it has been answered since it was placed. */
export const refreshed = cryptoracle.table(
  'refreshed',
  {
    backfill: bigint('backfill', { mode: 'number' }).notNull(),
    granularity: text('granularity').$type<Granularity>().notNull(),
    token: text('token').$type<Token>().notNull(),
    metric: text('metric').$type<MetricCode | TagCode>().notNull(),
    answered: tstzmultirange('answered').notNull().default(sql`'{}'`),
  },
  (table) => [primaryKey({ columns: [table.backfill, table.granularity, table.token, table.metric] })],
);

export const refreshedDescription = describeTable(refreshed, {
  comment:
    'What an order that asks again for everything has been answered since it was placed; gone when it is done',
  columns: {
    backfill: 'Number of the order',
    granularity: '15m, 1h, 4h or 1d',
    token: 'Ticker of the token',
    metric: 'API code of the metric',
    answered: 'Time covered by windows that were answered again',
  },
  rights: { reader: '', worker: 'select, insert, update, delete' },
});
