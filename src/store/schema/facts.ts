import { text } from 'drizzle-orm/pg-core';
import { describeTable } from './description.ts';
import { cryptoracle, instant } from './types.ts';

/**
 * How a fact was found. `assumed`: nothing showed it yet. `answered`: an answer to the running pipeline showed it.
 * `calibrated`: `doctor --calibrate` looked for it. `setting`: a setting says so.
 */
export type FactSource = 'assumed' | 'answered' | 'calibrated' | 'setting';

/** Facts about the API that its page leaves open: one row for each that was found. */
export const facts = cryptoracle.table('facts', {
  name: text('name').primaryKey(),
  value: text('value').notNull(),
  found: text('found').$type<FactSource>().notNull(),
  detail: text('detail'),
  since: instant('since').notNull(),
});

export const factsDescription = describeTable(facts, {
  comment:
    'What the API was found to do where its page leaves that open, one row for each thing that was found; a setting counts for more',
  columns: {
    name: 'day_start, record_unit, record_limit, token_list, empty_tags or clock_offset',
    value:
      "day_start: 08:00 or 00:00 in Beijing; record_unit: value or row; record_limit: most records in an answer; token_list: 'served' or 'not served'; empty_tags: 'accepted' or 'refused'; clock_offset: milliseconds that the clock of the API is ahead of ours",
    found:
      "How it was found: 'assumed', 'answered' (an answer showed it), 'calibrated' (doctor --calibrate) or 'setting'",
    detail: 'What showed it; NULL where nothing is to be said',
    since: 'Since when the value is known, and known in this way',
  },
  rights: { reader: 'select', worker: 'select, insert, update' },
});
