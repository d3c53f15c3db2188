import { boolean, index, integer, text } from 'drizzle-orm/pg-core';
import type { Granularity } from '../../catalog/index.ts';
import { describeTable } from './description.ts';
import { cryptoracle, id, instant } from './types.ts';

/** Every kind of event, with what happened. */
export const eventKinds = {
  'api outage': 'the API answered no call',
  'database outage': 'the database was away, or took no writes',
  'queue outage': 'the Redis of the queue took no writes',
  stalled: 'work waited, and none of it ended',
  'access refused': 'the API refused the key, this address, or every request',
  'metric refused': 'the subscription does not include a metric or tag',
  'request refused': 'the API found a request wrong',
  'budget used up': 'a lane had no calls left of the day',
  'schedules lost': 'the queue had lost its schedules',
  'order placed': 'somebody placed a backfill',
  'order done': 'a backfill left no gap',
  'order stopped': 'a backfill was interrupted, and can be resumed',
  'order paused': 'somebody laid a backfill aside',
  'order failed': 'a backfill died',
  'history paused': 'somebody laid all history aside',
  'order cancelled': 'somebody gave a backfill up',
  'tokens listed': 'tokens joined the list of the API',
  'tokens gone': 'tokens vanished from the list of the API',
  'list doubted': 'a list of tokens waits for further opinions',
  'suspect answers': 'nothing came where something was to be expected',
  quarantined: 'the API sent what cannot be stored',
  'rule suspended': 'a quality rule fired on too many rows to be right',
  'fact learned': 'the API was found to behave in a certain way',
  'dropped here': 'somebody removed values in the database',
  'removed by age': 'values were removed that were older than they are kept',
  'asked too early': 'windows were asked for before they were due',
  'settings changed': 'the pipeline was told to want something else',
  started: 'a process of the pipeline started',
} as const;

export type EventKind = keyof typeof eventKinds;

/** What happened to the pipeline and around it: one row each, whatever number of calls it took. */
export const events = cryptoracle.table(
  'events',
  {
    id: id(),
    at: instant('at').notNull(),
    until: instant('until').notNull(),
    isOpen: boolean('is_open').notNull().default(false),
    kind: text('kind').$type<EventKind>().notNull(),
    granularity: text('granularity').$type<Granularity>(),
    subject: text('subject').notNull().default(''),
    message: text('message').notNull(),
    times: integer('times').notNull().default(1),
  },
  (table) => [index('events_kind').on(table.kind, table.until), index('events_at').on(table.at)],
);

export const eventsDescription = describeTable(events, {
  comment:
    'What happened to the pipeline and around it: outages, refusals, orders, changes of the token list, facts that were learned and the like; one row each, written where it is noticed',
  columns: {
    id: 'Order of entry',
    at: 'When it happened, or began',
    until: 'When it ended, or was last noticed; as at for what took no time',
    isOpen: 'Whether it goes on still',
    kind: Object.entries(eventKinds)
      .map(([kind, meaning]) => `'${kind}' (${meaning})`)
      .join(', '),
    granularity: 'Granularity that it is about; NULL: all, or none',
    subject:
      "What it is about: a code, the number of an order, the name of a fact; '' for nothing in particular",
    message: 'What happened, in a sentence',
    times: 'How often it was noticed; what repeats itself is counted once a minute at most',
  },
  rights: { reader: 'select', worker: 'select, insert, update' },
});
