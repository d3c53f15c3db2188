import { date, primaryKey, text } from 'drizzle-orm/pg-core';
import type { TagCode, Token } from '../../catalog/index.ts';
import { describeTable } from './description.ts';
import { cryptoracle } from './types.ts';

export const tokenTags = cryptoracle.table(
  'token_tags',
  {
    token: text('token').$type<Token>().notNull(),
    tag: text('tag').$type<TagCode>().notNull(),
    value: text('value').notNull(),
    firstDay: date('first_day').notNull(),
    lastDay: date('last_day').notNull(),
  },
  (table) => [primaryKey({ columns: [table.token, table.tag, table.firstDay] })],
);

export const tokenTagsDescription = describeTable(tokenTags, {
  comment:
    'Descriptive labels of tokens and their communities, one row for each stretch of days with the same value',
  columns: {
    token: 'Ticker of the token',
    tag: 'API code of the tag, see tag_catalog',
    value: 'The label: text, or JSON where the API sent JSON',
    firstDay: 'First Beijing day on which the label was seen',
    lastDay: 'Last Beijing day on which it was seen',
  },
  rights: { reader: 'select', worker: 'select, insert, update' },
});
