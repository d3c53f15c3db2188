import { bigint, boolean, integer, text } from 'drizzle-orm/pg-core';
import type { Granularity, MetricCode, Token } from '../../catalog/index.ts';
import { describeTable } from './description.ts';
import { cryptoracle, exactInstant, id, instant } from './types.ts';

/** `waiting`: left to the workers, none of which has taken it up yet. `paused`: laid aside by a person. */
export type BackfillState = 'waiting' | 'running' | 'paused' | 'done' | 'stopped' | 'failed' | 'cancelled';

export const backfills = cryptoracle.table('backfills', {
  id: id(),
  windowsFrom: exactInstant('windows_from').notNull(),
  windowsTo: exactInstant('windows_to').notNull(),
  granularities: text('granularities').array().$type<Granularity[]>().notNull(),
  tokens: text('tokens').array().$type<Token[]>().notNull(),
  metrics: text('metrics').array().$type<MetricCode[]>().notNull(),
  refresh: boolean('refresh').notNull().default(false),
  evenUnavailable: boolean('even_unavailable').notNull().default(false),
  state: text('state').$type<BackfillState>().notNull(),
  valuesOrdered: bigint('values_ordered', { mode: 'number' }),
  requestsPlanned: integer('requests_planned'),
  requestsSent: integer('requests_sent').notNull().default(0),
  startedAt: instant('started_at').notNull(),
  heartbeatAt: instant('beat_at'),
  endedAt: instant('ended_at'),
  message: text('message'),
});

export const backfillsDescription = describeTable(backfills, {
  comment: 'Backfill orders and how they ended',
  columns: {
    id: 'Number of the order',
    windowsFrom: 'Start of the range',
    windowsTo: 'End of the range, not included',
    granularities: 'Granularities ordered',
    tokens: 'Tokens ordered',
    metrics: 'Codes of the metrics ordered',
    refresh: 'Whether everything is asked for again, answered or not',
    evenUnavailable:
      'Whether its tokens are asked for even in granularities that the API does not have for them',
    state:
      "'running', 'done', 'stopped' (by the user, a limit or gaps that the API left), 'failed' or 'cancelled'",
    valuesOrdered: 'Values that were missing when it was placed',
    requestsPlanned: 'Requests that they took then',
    requestsSent: 'Calls to the API so far, retries included',
    startedAt: 'When it was placed',
    heartbeatAt:
      'When a process last worked on it; an order that is running and has not been for minutes can be resumed',
    endedAt: 'When it ended',
    message: 'Why it ended, where it is not done',
  },
  rights: { reader: 'select', worker: 'select, insert, update' },
});
