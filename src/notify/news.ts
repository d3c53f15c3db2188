import type { Clock } from '../clock.ts';
import type { Database } from '../store/connection/database.ts';
import { readDesiredScope, type StatedScope } from '../store/ledger/desired-scope.ts';
import type { EventKind } from '../store/ledger/events.ts';
import { type NotificationKind, notificationKinds, type Told } from '../store/ledger/notifications.ts';
import { readEvents } from '../store/reports/events.ts';
import { readCurrentStatus } from '../store/reports/status.ts';
import { readTroubleFacts } from '../store/reports/trouble-facts.ts';
import type { TroubleKind } from '../store/reports/trouble-kinds.ts';
import { type Trouble, type TroubleFacts, troublesOf } from '../store/reports/troubles.ts';
import type { LastingKind, News, TroubleNews } from './decide.ts';

/** What there is to tell: the troubles that the page and `status` show, and what happened. */

/** Those that are no more than notes are not told: they are being taken care of. */
const kindOf: Readonly<Record<TroubleKind, LastingKind | undefined>> = {
  access: 'refused',
  queue: 'queue',
  api: 'api',
  database: 'database',
  clock: 'clock',
  stalled: 'stalled',
  disk: 'disk',
  'nothing yet': 'late',
  late: 'late',
  'few tokens': 'thin',
  'token list': 'token list',
  'history paused': undefined,
  suspect: undefined,
  'dropped here': undefined,
};

/** The events that a kind of notification tells. */
const eventsOf: Readonly<Partial<Record<NotificationKind, readonly EventKind[]>>> = {
  refused: ['metric refused'],
  order: ['order done', 'order failed', 'order stopped'],
  quarantine: ['quarantined'],
};

const mostEvents = 100;

/** What this process knows besides the database. */
export type OwnFacts = Pick<TroubleFacts, 'queueProblem' | 'diskFreeBytes'>;

/** The troubles by the kind that tells them. */
export function groupTroubles(troubles: readonly Trouble[]): ReadonlyMap<LastingKind, TroubleNews> {
  const grouped = new Map<LastingKind, TroubleNews>();
  for (const { kind, level, headline, detail, remedy } of troubles) {
    const told = kindOf[kind];
    if (told === undefined || level === 'note') continue;
    const { lines = [], remedies = [] } = grouped.get(told) ?? {};
    grouped.set(told, {
      lines: [...lines, `${headline}: ${detail}`],
      remedies: remedies.includes(remedy) ? remedies : [...remedies, remedy],
    });
  }
  return grouped;
}

/** @param told decides which events are news */
export async function readNews(
  database: Database,
  stated: StatedScope,
  told: ReadonlyMap<NotificationKind, Told>,
  clock: Clock,
  own: OwnFacts,
): Promise<News> {
  const now = clock.now();
  const status = await readCurrentStatus(database, await readDesiredScope(database, stated), now);
  const troubles = troublesOf({ status, ...(await readTroubleFacts(database, clock)), ...own });
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
  return { troubles: groupTroubles(troubles), happened };
}
