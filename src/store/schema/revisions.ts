import { doublePrecision, index, text } from 'drizzle-orm/pg-core';
import type { Granularity, MetricCode, Token } from '../../catalog/index.ts';
import { describeTable } from './description.ts';
import { cryptoracle, exactInstant, id, instant } from './types.ts';

export const revisions = cryptoracle.table(
  'revisions',
  {
    id: id(),
    granularity: text('granularity').$type<Granularity>().notNull(),
    token: text('token').$type<Token>().notNull(),
    time: exactInstant('time').notNull(),
    metric: text('metric').$type<MetricCode>().notNull(),
    old: doublePrecision('old'),
    new: doublePrecision('new').notNull(),
    revisedAt: instant('revised_at').notNull(),
  },
  (table) => [
    index('revisions_cell').on(table.granularity, table.token, table.time, table.metric),
    index('revisions_revised_at').on(table.granularity, table.revisedAt),
  ],
);

export const revisionsDescription = describeTable(revisions, {
  comment: 'Every value that changed after it was first stored, or came after it had been asked for in vain',
  columns: {
    id: 'Order of entry',
    granularity: '15m, 1h, 4h or 1d',
    token: 'Ticker of the token',
    time: 'Start of the window',
    metric: 'API code of the metric',
    old: 'Value until then; NULL where there was none',
    new: 'Value from then on',
    revisedAt: 'When the new value was stored',
  },
  rights: { reader: 'select', worker: 'select, insert' },
});
