import { doublePrecision, jsonb, primaryKey, text } from 'drizzle-orm/pg-core';
import type { Granularity, MetricCode } from '../../catalog/index.ts';
import { describeTable } from './description.ts';
import { cryptoracle, instant } from './types.ts';

/** A value that a suspended rule found, as `examples` holds it. */
export interface QualityExample {
  readonly token: string;
  /** Start of the window, in ISO 8601. */
  readonly time: string;
  readonly value: number;
  readonly detail: string;
}

/** How often each rule fired lately. */
export const qualityRules = cryptoracle.table(
  'quality_rules',
  {
    granularity: text('granularity').$type<Granularity>().notNull(),
    metric: text('metric').$type<MetricCode>().notNull(),
    note: text('note').notNull(),
    rowsChecked: doublePrecision('rows_checked').notNull(),
    rowsFound: doublePrecision('rows_found').notNull(),
    suspendedSince: instant('suspended_since'),
    examples: jsonb('examples').$type<readonly QualityExample[]>().notNull().default([]),
  },
  (table) => [primaryKey({ columns: [table.granularity, table.metric, table.note] })],
);

export const qualityRulesDescription = describeTable(qualityRules, {
  comment:
    'How often each rule behind quality_notes fired lately. A rule that fires on more than 5 % of the rows is wrong for these data: it is suspended, and makes no notes until it fires on less than 2.5 %',
  columns: {
    granularity: '15m, 1h, 4h or 1d',
    metric: 'API code of the metric that the rule is about',
    note: 'What the rule finds, as in quality_notes',
    rowsChecked: 'Rows that were checked, the recent ones: halved from time to time, with rows_found',
    rowsFound: 'Rows of these on which the rule fired',
    suspendedSince: 'Since when the rule makes no notes; NULL where it does',
    examples: 'Some values that the rule found when it was suspended: token, time, value, detail',
  },
  rights: { reader: 'select', worker: 'select, insert, update' },
});
