import { date, doublePrecision, integer, smallint } from 'drizzle-orm/pg-core';
import { describeTable } from './description.ts';
import { cryptoracle, exactInstant } from './types.ts';

export const pace = cryptoracle.table('pace', {
  id: smallint('id').primaryKey().default(1),
  nextAt: exactInstant('next_at').notNull(),
  repairUntil: exactInstant('repair_until'),
  lookbackUntil: exactInstant('lookback_until'),
  day: date('day'),
  sentToday: integer('sent_today').notNull().default(0),
  requestsPerSecond: doublePrecision('requests_per_second'),
  requestsPerDay: integer('requests_per_day'),
});

export const paceDescription = describeTable(pace, {
  comment: 'When the next call to the API may be sent, by any process',
  columns: {
    id: 'Always 1: there is one row',
    nextAt: 'Earliest instant of the next call',
    repairUntil: 'Until when calls for the look-back and the history give way to repairs that wait',
    lookbackUntil: 'Until when calls for the history give way to the look-back',
    day: 'Beijing day that sent_today counts',
    sentToday: 'Calls sent on that day, retries included',
    requestsPerSecond: 'REQUESTS_PER_SECOND of the pipeline that started last; empty before one has',
    requestsPerDay: 'REQUESTS_PER_DAY of that pipeline; empty where it has none',
  },
  rights: { reader: '', worker: 'select, insert, update' },
});
