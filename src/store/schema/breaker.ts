import { integer, smallint, text } from 'drizzle-orm/pg-core';
import { describeTable } from './description.ts';
import { cryptoracle, instant } from './types.ts';

/** One row while the API refuses access or finds every request wrong, none otherwise. */
export const breaker = cryptoracle.table('breaker', {
  id: smallint('id').primaryKey().default(1),
  code: integer('code'),
  reason: text('reason').notNull(),
  openedAt: instant('opened_at').notNull(),
  probeAt: instant('probe_at').notNull(),
});

export const breakerDescription = describeTable(breaker, {
  comment:
    'One row while the API refuses access or finds every request wrong: then no process sends a request, but for a probe now and then',
  columns: {
    id: 'Always 1: there is one row at most',
    code: "The answer's code: 202, 204 or 403; 201 where every request was found wrong",
    reason: "The API's words",
    openedAt: 'Since when access is refused',
    probeAt: 'When the next request may be sent, to see whether access is back',
  },
  rights: { reader: 'select', worker: 'select, insert, update, delete' },
});
