import { boolean, doublePrecision, integer, text } from 'drizzle-orm/pg-core';
import { cryptoracle, instant } from './types.ts';

/** The catalogue as people query it; written from `src/catalog` at every `migrate`, tokens also from the API. */

export const tokens = cryptoracle.table('tokens', {
  token: text('token').primaryKey(),
  name: text('name').notNull(),
  position: integer('position').notNull(),
  listed: boolean('listed').notNull().default(true),
  firstListedAt: instant('first_listed_at').notNull(),
  lastListedAt: instant('last_listed_at').notNull(),
});

export const metricCatalog = cryptoracle.table('metric_catalog', {
  code: text('code').primaryKey(),
  columnName: text('column_name').notNull().unique(),
  kind: text('kind').notNull(),
  unit: text('unit').notNull(),
  minimum: doublePrecision('minimum'),
  maximum: doublePrecision('maximum'),
  meaning: text('meaning').notNull(),
});

export const tagCatalog = cryptoracle.table('tag_catalog', {
  code: text('code').primaryKey(),
  name: text('name').notNull().unique(),
  subject: text('subject').notNull(),
  meaning: text('meaning').notNull(),
});
