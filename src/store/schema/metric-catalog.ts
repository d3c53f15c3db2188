import { doublePrecision, text } from 'drizzle-orm/pg-core';
import type { MetricCode } from '../../catalog/index.ts';
import { describeTable } from './description.ts';
import { cryptoracle } from './types.ts';

export const metricCatalog = cryptoracle.table('metric_catalog', {
  code: text('code').$type<MetricCode>().primaryKey(),
  columnName: text('column_name').notNull().unique(),
  kind: text('kind').notNull(),
  unit: text('unit').notNull(),
  minimum: doublePrecision('minimum'),
  maximum: doublePrecision('maximum'),
  meaning: text('meaning').notNull(),
});

export const metricCatalogDescription = describeTable(metricCatalog, {
  comment: 'What each metric means',
  columns: {
    code: 'API code',
    columnName: 'Column of the metric tables',
    kind: 'rank, change, count, ratio, difference or score',
    unit: "Unit of the values; '1' where there is none",
    minimum: 'Smallest sensible value',
    maximum: 'Largest sensible value',
    meaning: 'What is measured',
  },
  rights: { reader: 'select', worker: '' },
});
