import { sql } from 'drizzle-orm';
import { primaryKey, text } from 'drizzle-orm/pg-core';
import type { Granularity, MetricCode, TagCode, Token } from '../../catalog/index.ts';
import { describeTable } from './description.ts';
import { cryptoracle, tstzmultirange } from './types.ts';

export const coverage = cryptoracle.table(
  'coverage',
  {
    granularity: text('granularity').$type<Granularity>().notNull(),
    token: text('token').$type<Token>().notNull(),
    metric: text('metric').$type<MetricCode | TagCode>().notNull(),
    answered: tstzmultirange('answered').notNull().default(sql`'{}'`),
  },
  (table) => [primaryKey({ columns: [table.granularity, table.token, table.metric] })],
);

export const coverageDescription = describeTable(coverage, {
  comment:
    'Which windows the API has answered, for each granularity, token and metric; what is wanted and not in here is a gap',
  columns: {
    granularity: '15m, 1h, 4h or 1d',
    token: 'Ticker of the token',
    metric: 'API code of the metric or tag',
    answered:
      'Time covered by answered windows, half-open ranges; an answer without a value counts as answered',
  },
  rights: { reader: 'select', worker: 'select, insert, update' },
});
