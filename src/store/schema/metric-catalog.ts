import { sql } from 'drizzle-orm';
import { boolean, doublePrecision, jsonb, text } from 'drizzle-orm/pg-core';
import type { ApiVersion, Metric, MetricCode, MetricKind, MetricParams } from '../../catalog/index.ts';
import { describeTable } from './description.ts';
import { cryptoracle, instant } from './types.ts';

export const metricCatalog = cryptoracle.table('metric_catalog', {
  code: text('code').$type<MetricCode>().primaryKey(),
  endpoint: text('endpoint').notNull().default(''),
  params: jsonb('params').$type<MetricParams>().notNull().default({}),
  columnName: text('column_name').notNull().unique(),
  name: text('name').notNull().default(''),
  kind: text('kind').$type<MetricKind>().notNull(),
  unit: text('unit').notNull(),
  minimum: doublePrecision('minimum'),
  maximum: doublePrecision('maximum'),
  meaning: text('meaning').notNull(),
  summable: boolean('summable').notNull().default(false),
  averageable: boolean('averageable').notNull().default(false),
  acrossWindows: text('across_windows').notNull().default(''),
  versions: text('versions').$type<ApiVersion>().array().notNull().default(sql`'{}'`),
  origin: text('origin').$type<Metric['origin']>().notNull().default('bundled'),
  retiredAt: instant('retired_at'),
});

export const metricCatalogDescription = describeTable(metricCatalog, {
  comment:
    'What each metric is, whether it came with the program or from a file of the user, and which versions of the API have it; written by migrate. wanted.api_version tells which version the pipeline speaks',
  columns: {
    code: 'Name of the series in all tables: the API code, and its parameters where it is asked for with some',
    endpoint: 'API code, as sent and answered',
    params: 'Parameters that are sent with it (extraParams); {} for most',
    columnName: 'Column of the metric tables',
    name: 'What people call it',
    kind: 'rank, change, count, ratio, difference or score',
    unit: "Unit of the values; '1' where there is none",
    minimum: 'Smallest sensible value',
    maximum: 'Largest sensible value',
    meaning: 'What is measured',
    summable: 'Whether the sum over windows is the value of the longer window',
    averageable: 'Whether the plain mean over windows describes them fairly',
    acrossWindows: 'What the sum and the mean over windows are, and are not',
    versions:
      'Versions of the API that have it. Where the pipeline speaks another, it is not asked for and nothing of it is missing',
    origin: "'bundled': it comes with the program; 'user': from the user's file",
    retiredAt:
      "Since when the user's file names it no more: it is not asked for, and its column and values stay. NULL while it is named",
  },
  rights: { reader: 'select', worker: '' },
});
