import type { Instant } from '../../time.ts';
import type { Database } from '../connection/database.ts';
import { notifications } from '../schema/index.ts';
import type { NotificationKind } from '../schema/notifications.ts';

export { type NotificationKind, notificationKinds } from '../schema/notifications.ts';

/** What was told to people, and when. */

export interface Told {
  readonly kind: NotificationKind;
  /** Whether that was told, and is not over yet. */
  readonly isOpen: boolean;
  /** `null`: never. */
  readonly sentAt: Instant | null;
  /** Events until then were told, or were there before notifications were. */
  readonly toldUntil: Instant;
  /** The last message. */
  readonly message: string;
}

export async function readTold(database: Database): Promise<ReadonlyMap<NotificationKind, Told>> {
  const rows = await database.run('read told', (db) => db.select().from(notifications));
  return new Map(rows.map((row) => [row.kind, row]));
}

export async function storeTold(database: Database, told: Told): Promise<void> {
  await database.run('store told', (db) =>
    db.insert(notifications).values(told).onConflictDoUpdate({ target: notifications.kind, set: told }),
  );
}
