import { boolean, integer, text } from 'drizzle-orm/pg-core';
import type { Token } from '../../catalog/index.ts';
import { describeTable } from './description.ts';
import { cryptoracle, instant } from './types.ts';

export const tokens = cryptoracle.table('tokens', {
  token: text('token').$type<Token>().primaryKey(),
  name: text('name').notNull(),
  position: integer('position').notNull(),
  listed: boolean('listed').notNull().default(true),
  extra: boolean('extra').notNull().default(false),
  firstListedAt: instant('first_listed_at').notNull(),
  lastListedAt: instant('last_listed_at').notNull(),
});

export const tokensDescription = describeTable(tokens, {
  comment: 'Tokens that the API offers or once offered, and those of EXTRA_TOKENS',
  columns: {
    token: 'Ticker, as the API spells it',
    name: 'Name of the project',
    position: "Place in the API's list, 1 first",
    listed: 'Whether it is one of all tokens: false once the API no longer lists it; its data stay',
    extra: "Named by EXTRA_TOKENS, since the API's list does not name it",
    firstListedAt: 'When the token was first listed here',
    lastListedAt: 'When the API last listed it; for an extra token that it never listed, when it was added',
  },
  rights: { reader: 'select', worker: 'select, insert, update' },
});
