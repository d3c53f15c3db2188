import { integer, interval, text } from 'drizzle-orm/pg-core';
import type { ApiVersion, Granularity, MetricCode, Token } from '../../catalog/index.ts';
import { describeTable } from './description.ts';
import { cryptoracle, instant } from './types.ts';

/** The settings' wishes, so that SQL can tell what is missing: one row a granularity. */
export const wanted = cryptoracle.table('wanted', {
  granularity: text('granularity').$type<Granularity>().primaryKey(),
  historyStart: instant('history_start').notNull(),
  settleDelay: interval('settle_delay').notNull(),
  lookbackWindows: integer('lookback_windows'),
  tokens: text('tokens').array().$type<Token[]>(),
  metrics: text('metrics').array().$type<MetricCode[]>().notNull(),
  keep: interval('keep'),
  apiVersion: text('api_version').$type<ApiVersion>(),
});

export const wantedDescription = describeTable(wanted, {
  comment:
    'What the settings want, one row for each granularity; written by start, and by backfill and migrate while it is empty. The view gaps measures against it',
  columns: {
    granularity: '15m, 1h, 4h or 1d',
    historyStart: 'Windows from this instant on are wanted (HISTORY_START)',
    settleDelay: 'After its close until a window is due (SETTLE_DELAY)',
    lookbackWindows:
      'How many of the newest windows are asked for again at every tick (LOOKBACK_WINDOWS); NULL: not known, taken for 4',
    tokens: 'Tokens wanted (TOKENS); NULL: all that the API lists',
    metrics: 'Codes of the metrics wanted (METRICS)',
    keep: 'Windows older than that are no longer wanted, and their values are removed (KEEP_15M and its kin); NULL: kept for good',
    apiVersion:
      'Version of the API that the pipeline speaks; metrics that it does not have are wanted in vain. NULL: not known',
  },
  rights: { reader: 'select', worker: 'select, insert, update, delete' },
});
