import type { Database } from '../store/connection/database.ts';
import { readDesiredScope, type StatedScope } from '../store/ledger/desired-scope.ts';
import type { EventKind } from '../store/ledger/events.ts';
import { type NotificationKind, notificationKinds, type Told } from '../store/ledger/notifications.ts';
import { readEvents } from '../store/reports/events.ts';
import { describeMiss, type Miss, missesOf } from '../store/reports/objective.ts';
import { readCurrentStatus } from '../store/reports/status.ts';
import type { Instant } from '../time.ts';
import type { News, TroubleKind } from './decide.ts';

/** What there is to tell, as the database has it. */

/** Windows that the newest one may lie behind: one is on its way in every moment after it became due. */
const maxBehind = 1;

const troubleOf: Readonly<Record<Miss['kind'], TroubleKind | undefined>> = {
  'access-refused': 'refused',
  'nothing-stored': 'late',
  behind: 'late',
  quiet: 'thin',
  incomplete: undefined,
};

/** The events that a kind of notification tells. */
const eventsOf: Readonly<Partial<Record<NotificationKind, readonly EventKind[]>>> = {
  refused: ['metric refused'],
  order: ['order done', 'order failed', 'order stopped'],
  quarantine: ['quarantined'],
};

const mostEvents = 100;

/** @param told decides which events are news */
export async function readNews(
  database: Database,
  stated: StatedScope,
  told: ReadonlyMap<NotificationKind, Told>,
  now: Instant,
): Promise<News> {
  const status = await readCurrentStatus(database, await readDesiredScope(database, stated), now);
  const troubles = new Map<TroubleKind, string[]>();
  for (const miss of missesOf(status, { maxBehind, minComplete: 0 })) {
    const kind = troubleOf[miss.kind];
    if (kind !== undefined) troubles.set(kind, [...(troubles.get(kind) ?? []), describeMiss(miss)]);
  }
  const happened = new Map<NotificationKind, readonly string[]>();
  for (const kind of Object.keys(notificationKinds) as NotificationKind[]) {
    const kinds = eventsOf[kind];
    const since = told.get(kind)?.toldUntil;
    if (kinds === undefined || since === undefined) continue;
    // An event that lasted until the moment of the last look was told then.
    const { events } = await readEvents(database, { kinds, since: since + 1 }, mostEvents);
    happened.set(
      kind,
      events.toReversed().map(({ message }) => message),
    );
  }
  return { troubles, happened };
}
