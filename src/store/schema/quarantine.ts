import { sql } from 'drizzle-orm';
import { bigint, integer, text, unique } from 'drizzle-orm/pg-core';
import type { Granularity } from '../../catalog/index.ts';
import { describeTable } from './description.ts';
import { cryptoracle, exactInstant, id, instant } from './types.ts';

/**
 * The end of an entry: its values are stored; the API has given others for the same cells since; or a person has
 * decided that it does not matter.
 */
export type Resolution = 'replayed' | 'superseded' | 'dismissed';

export const quarantine = cryptoracle.table(
  'quarantine',
  {
    id: id(),
    granularity: text('granularity').$type<Granularity>().notNull(),
    token: text('token'),
    time: exactInstant('time'),
    metric: text('metric'),
    reason: text('reason').notNull(),
    part: text('part').$type<'entry' | 'window' | 'value' | 'tag'>(),
    raw: text('raw').notNull(),
    /** Tells the same entry seen again, without indexing raw forms of any length. */
    rawDigest: text('raw_digest').notNull().generatedAlwaysAs(sql`md5(raw)`),
    timesSeen: integer('times_seen').notNull().default(1),
    firstSeenAt: instant('first_seen_at').notNull(),
    lastSeenAt: instant('last_seen_at').notNull(),
    requestId: bigint('request_id', { mode: 'number' }),
    resolution: text('resolution').$type<Resolution>(),
    resolvedAt: exactInstant('resolved_at'),
  },
  (table) => [
    unique('quarantine_entry')
      .on(table.granularity, table.token, table.time, table.metric, table.reason, table.rawDigest)
      .nullsNotDistinct(),
  ],
);

export const quarantineDescription = describeTable(quarantine, {
  comment: 'What the API sent and could not be stored, in its raw form',
  columns: {
    id: 'Order of entry',
    granularity: 'Granularity of the request',
    token: 'Token as it was sent, where known',
    time: 'Start of the window, where known',
    metric: 'Code as it was sent, where known',
    reason: 'Why it was not stored',
    part: "Which part of the answer raw is: a token's 'entry', a 'window', a 'value' or a 'tag'",
    raw: 'The JSON that was sent, cut after 20,000 characters',
    rawDigest: 'MD5 of raw, to tell repetitions',
    timesSeen: 'How often the same was sent',
    firstSeenAt: 'When it was first sent',
    lastSeenAt: 'When it was last sent',
    requestId: 'The call that first brought it, see requests',
    resolution:
      "'replayed': its values are stored now; 'superseded': a later answer gave values for its cells; 'dismissed': by a person; NULL while it is open",
    resolvedAt: 'When it was resolved',
  },
  rights: { reader: 'select', worker: 'select, insert, update' },
});
