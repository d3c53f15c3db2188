import { integer, text } from 'drizzle-orm/pg-core';
import type { Token } from '../../catalog/index.ts';
import { describeTable } from './description.ts';
import { cryptoracle, instant } from './types.ts';

/** A token list that would take much away: it waits until the API has said the same for a while. One row at most. */
export const doubtedLists = cryptoracle.table('doubted_lists', {
  id: integer('id').primaryKey().default(1),
  tokens: text('tokens').array().$type<Token[]>().notNull(),
  vanished: text('vanished').array().$type<Token[]>().notNull(),
  unknown: integer('unknown').notNull(),
  since: instant('since').notNull(),
  times: integer('times').notNull().default(1),
  askAt: instant('ask_at').notNull(),
});

export const doubtedListsDescription = describeTable(doubtedLists, {
  comment:
    'A list of tokens that the API gave and that is doubted, for it drops more than a tenth of the tokens or is mostly unknown: one row while it waits for further opinions, else none',
  columns: {
    id: '1',
    tokens: 'The tokens that the list names',
    vanished: 'Tokens that the list drops; they are asked for until it is confirmed',
    unknown: 'How many of the tokens that it names were never listed before',
    since: 'Since when the API has said so',
    times: 'How often it has said so',
    askAt: 'When the API is asked for its list again',
  },
  rights: { reader: 'select', worker: 'select, insert, update, delete' },
});
