import type { NotificationKind, Told } from '../store/ledger/notifications.ts';
import type { Instant, Milliseconds } from '../time.ts';

/** Which notifications are due; pure. */

/** A kind of notification about something that lasts until it is over. */
export type LastingKind = Exclude<NotificationKind, 'recovered' | 'order' | 'quarantine'>;

/** One line for each kind once it is over. */
const recovery: Readonly<Record<LastingKind, string>> = {
  refused: 'the API gives access',
  queue: 'the queue takes writes',
  api: 'the API answers',
  database: 'the database answers',
  clock: 'clocks agree',
  stalled: 'every process makes progress',
  disk: 'the disk has room',
  late: 'the newest windows come in time',
  thin: 'as many tokens as usual have a value',
  'token list': 'no list of tokens is doubted',
};

export const lastingKinds = Object.keys(recovery) as readonly LastingKind[];

/** A trouble in sentences, and what helps. */
export interface TroubleNews {
  readonly lines: readonly string[];
  readonly remedies: readonly string[];
}

/** The state of affairs. */
export interface News {
  /** What is wrong at this moment; a kind that is absent is well. */
  readonly troubles: ReadonlyMap<LastingKind, TroubleNews>;
  /** What happened since it was told last, in sentences. */
  readonly happened: ReadonlyMap<NotificationKind, readonly string[]>;
}

export interface Notification {
  readonly kind: NotificationKind;
  readonly lines: readonly string[];
  readonly remedies: readonly string[];
  /** Kinds that count as told after it, and those that count as over. */
  readonly opens: readonly LastingKind[];
  readonly closes: readonly LastingKind[];
}

/** A kind is sent so rarely; what comes meanwhile is told in the next message. */
export const atMostEvery: Milliseconds = 3_600_000;

const isOpen = (told: ReadonlyMap<NotificationKind, Told>, kind: NotificationKind) =>
  told.get(kind)?.isOpen === true;

/** The notifications that are to be sent now, each kind once. */
export function decide(
  { troubles, happened }: News,
  told: ReadonlyMap<NotificationKind, Told>,
  now: Instant,
): readonly Notification[] {
  const mayBeSent = (kind: NotificationKind) => {
    const sentAt = told.get(kind)?.sentAt ?? undefined;
    // What lies ahead is from before the clock was set back.
    return sentAt === undefined || sentAt > now || now - sentAt >= atMostEvery;
  };
  const begun = lastingKinds.filter((kind) => troubles.has(kind) && !isOpen(told, kind));
  const over = lastingKinds.filter((kind) => !troubles.has(kind) && isOpen(told, kind));
  const due = new Map<NotificationKind, Notification>();
  const add = (kind: NotificationKind, more: Partial<Notification>) => {
    const before = due.get(kind) ?? { kind, lines: [], remedies: [], opens: [], closes: [] };
    due.set(kind, {
      kind,
      lines: [...before.lines, ...(more.lines ?? [])],
      remedies: [...before.remedies, ...(more.remedies ?? [])],
      opens: [...before.opens, ...(more.opens ?? [])],
      closes: [...before.closes, ...(more.closes ?? [])],
    });
  };
  for (const kind of begun) add(kind, { ...troubles.get(kind), opens: [kind] });
  for (const [kind, lines] of happened) if (lines.length > 0) add(kind, { lines });
  for (const kind of over) add('recovered', { lines: [recovery[kind]], closes: [kind] });
  return [...due.values()].filter(({ kind }) => mayBeSent(kind));
}
