import { doublePrecision, index, text } from 'drizzle-orm/pg-core';
import type { Granularity, MetricCode, Token } from '../../catalog/index.ts';
import { describeTable } from './description.ts';
import { cryptoracle, exactInstant, instant } from './types.ts';

export const qualityNotes = cryptoracle.table(
  'quality_notes',
  {
    granularity: text('granularity').$type<Granularity>().notNull(),
    token: text('token').$type<Token>().notNull(),
    time: exactInstant('time').notNull(),
    metric: text('metric').$type<MetricCode>().notNull(),
    note: text('note').notNull(),
    value: doublePrecision('value').notNull(),
    detail: text('detail').notNull(),
    notedAt: instant('noted_at').notNull(),
  },
  // Notes are looked for by their windows. A key of all that makes a note one of its kind would double what writing it
  // costs, and the one process that checks at a time compares what it found with all notes of the windows anyway.
  (table) => [index('quality_notes_windows').on(table.granularity, table.time)],
);

export const qualityNotesDescription = describeTable(qualityNotes, {
  comment:
    'Stored values that are hard to believe; they were stored all the same. A note goes when its value is corrected',
  columns: {
    granularity: '15m, 1h, 4h or 1d',
    token: 'Ticker of the token',
    time: 'Start of the window',
    metric: 'API code of the metric',
    note: "'outside its range', 'not positive minus negative' (by more than 0.02), 'rank out of order with mentions' (more mentions than the token on the place before) or 'fell to zero at once' (a count of 20 or more in the window before)",
    value: 'The value that is stored',
    detail: 'What it was compared with',
    notedAt: 'When it was noted',
  },
  rights: { reader: 'select', worker: 'select, insert, update, delete' },
});
