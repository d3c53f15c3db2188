import { sql } from 'drizzle-orm';
import { primaryKey, text } from 'drizzle-orm/pg-core';
import type { Granularity, MetricCode, Token } from '../../catalog/index.ts';
import { describeTable } from './description.ts';
import { cryptoracle, instant, tstzmultirange } from './types.ts';

/** What of the answers somebody has removed behind the program's back; keyed as the ledger is. */
export const dropped = cryptoracle.table(
  'dropped',
  {
    granularity: text('granularity').$type<Granularity>().notNull(),
    token: text('token').$type<Token>().notNull(),
    metric: text('metric').$type<MetricCode>().notNull(),
    windows: tstzmultirange('windows').notNull().default(sql`'{}'`),
    noticedAt: instant('noticed_at').notNull(),
  },
  (table) => [primaryKey({ columns: [table.granularity, table.token, table.metric] })],
);

export const droppedDescription = describeTable(dropped, {
  comment:
    'Windows that were answered and whose values somebody has removed here, such as by drop_chunks or truncate. They are not fetched again by themselves: see backfill --refresh and REFETCH_DROPPED. What KEEP_15M and its kin had removed is not in here, for it is no longer wanted',
  columns: {
    granularity: '15m, 1h, 4h or 1d',
    token: 'Ticker of the token',
    metric: 'API code of the metric',
    windows: 'Time of the windows that were removed; what was answered again since is in coverage',
    noticedAt: 'When the newest of it was noticed',
  },
  rights: { reader: 'select', worker: 'select, insert, update, delete' },
});
