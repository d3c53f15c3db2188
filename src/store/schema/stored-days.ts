import { sql } from 'drizzle-orm';
import { text } from 'drizzle-orm/pg-core';
import type { Granularity } from '../../catalog/index.ts';
import { describeTable } from './description.ts';
import { cryptoracle, tstzmultirange } from './types.ts';

/** Days that had values when they were last checked, to notice where values were removed; one row a granularity. */
export const storedDays = cryptoracle.table('stored_days', {
  granularity: text('granularity').$type<Granularity>().primaryKey(),
  days: tstzmultirange('days').notNull().default(sql`'{}'`),
});

export const storedDaysDescription = describeTable(storedDays, {
  comment:
    'Days on which windows with values start, as the program saw them; a day in here without any row was emptied by somebody else',
  columns: { granularity: '15m, 1h, 4h or 1d', days: 'Whole days in UTC' },
  rights: { reader: '', worker: 'select, insert, update' },
});
