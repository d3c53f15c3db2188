import { text } from 'drizzle-orm/pg-core';
import type { TagCode } from '../../catalog/index.ts';
import { describeTable } from './description.ts';
import { cryptoracle } from './types.ts';

export const tagCatalog = cryptoracle.table('tag_catalog', {
  code: text('code').$type<TagCode>().primaryKey(),
  name: text('name').notNull().unique(),
  subject: text('subject').notNull(),
  meaning: text('meaning').notNull(),
});

export const tagCatalogDescription = describeTable(tagCatalog, {
  comment: 'What each tag means',
  columns: {
    code: 'API code',
    name: 'Short name',
    subject: 'Whether it describes the token or its communities',
    meaning: 'What it says',
  },
  rights: { reader: 'select', worker: '' },
});
