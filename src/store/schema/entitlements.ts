import { text } from 'drizzle-orm/pg-core';
import type { MetricCode, TagCode } from '../../catalog/index.ts';
import { describeTable } from './description.ts';
import { cryptoracle, instant } from './types.ts';

export const entitlements = cryptoracle.table('entitlements', {
  metric: text('metric').$type<MetricCode | TagCode>().primaryKey(),
  refusedSince: instant('refused_since').notNull(),
  lastRefusedAt: instant('last_refused_at').notNull(),
});

export const entitlementsDescription = describeTable(entitlements, {
  comment: 'Metrics and tags that the subscription does not include (code 205); left out of all requests',
  columns: {
    metric: 'API code of the metric or tag',
    refusedSince: 'When it was first refused',
    lastRefusedAt: 'When it was last refused',
  },
  rights: { reader: 'select', worker: 'select, insert, update, delete' },
});
