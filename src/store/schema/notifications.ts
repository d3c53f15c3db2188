import { boolean, text } from 'drizzle-orm/pg-core';
import { describeTable } from './description.ts';
import { cryptoracle, instant } from './types.ts';

/** Every kind of notification, with what it tells. */
export const notificationKinds = {
  refused: 'the API refuses access, or a metric',
  queue: 'the queue does not answer, or takes no writes',
  api: 'calls to the API fail',
  database: 'the database does not answer, or was away',
  clock: 'clocks differ',
  stalled: 'a process makes no progress',
  disk: 'the disk of the database is nearly full',
  late: 'a granularity lies behind, or never got a value',
  thin: 'fewer tokens than usual have a value',
  'token list': 'the API gave a list of tokens that is doubted',
  recovered: 'one of these is well again',
  order: 'a backfill is done, or died',
  quarantine: 'the API sent what cannot be stored',
} as const;

export type NotificationKind = keyof typeof notificationKinds;

/** The state of the notifications (NOTIFY_WEBHOOK), so that none is repeated after a restart. */
export const notifications = cryptoracle.table('notifications', {
  kind: text('kind').$type<NotificationKind>().primaryKey(),
  isOpen: boolean('is_open').notNull().default(false),
  sentAt: instant('sent_at'),
  toldUntil: instant('told_until').notNull(),
  message: text('message').notNull().default(''),
});

export const notificationsDescription = describeTable(notifications, {
  comment:
    'What was told by NOTIFY_WEBHOOK: one row for each kind of notification, so that each is sent once an hour at most',
  columns: {
    kind: Object.entries(notificationKinds)
      .map(([kind, meaning]) => `'${kind}' (${meaning})`)
      .join(', '),
    isOpen: 'Whether that was told, and is not over yet',
    sentAt: 'When it was sent last; NULL: never',
    toldUntil: 'Events until then were told, or were there before notifications were',
    message: 'The last message',
  },
  rights: { reader: 'select', worker: 'select, insert, update' },
});
