import { sql } from 'drizzle-orm';
import { index, text } from 'drizzle-orm/pg-core';
import type { Granularity } from '../../catalog/index.ts';
import { describeTable } from './description.ts';
import { cryptoracle, id, tstzrange } from './types.ts';

/** Windows that were written and not looked over since; entered with the rows, taken out with the notes. */
export const qualityDue = cryptoracle.table(
  'quality_due',
  {
    id: id(),
    granularity: text('granularity').$type<Granularity>().notNull(),
    windows: tstzrange('windows').notNull(),
  },
  (table) => [index('quality_due_end').on(table.granularity, sql`upper(${table.windows})`)],
);

export const qualityDueDescription = describeTable(qualityDue, {
  comment: 'Windows that were written and not looked over for quality notes since; a worklist of the program',
  columns: {
    id: 'Order of entry',
    granularity: '15m, 1h, 4h or 1d',
    windows: 'Range of windows that were written',
  },
  rights: { reader: '', worker: 'select, insert, delete' },
});
