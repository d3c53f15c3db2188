import { boolean, integer, text } from 'drizzle-orm/pg-core';
import type { Token } from '../../catalog/index.ts';
import { describeTable } from './description.ts';
import { cryptoracle, instant } from './types.ts';

export const tokens = cryptoracle.table('tokens', {
  token: text('token').$type<Token>().primaryKey(),
  name: text('name').notNull(),
  position: integer('position').notNull(),
  listed: boolean('listed').notNull().default(true),
  firstListedAt: instant('first_listed_at').notNull(),
  lastListedAt: instant('last_listed_at').notNull(),
});

export const tokensDescription = describeTable(tokens, {
  comment: 'Tokens that the API offers, or once offered',
  columns: {
    token: 'Ticker, as the API spells it',
    name: 'Name of the project',
    position: "Place in the API's list, 1 first",
    listed: 'False once the API no longer lists it; its data stay',
    firstListedAt: 'When the token was first listed here',
    lastListedAt: 'When the API last listed it',
  },
  rights: { reader: 'select', worker: 'select, insert, update' },
});
