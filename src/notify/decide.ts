import type { NotificationKind, Told } from '../store/ledger/notifications.ts';
import type { Instant, Milliseconds } from '../time.ts';

/** Which notifications are due; pure. */

/** A kind of trouble that lasts until it is over. */
export type TroubleKind = 'late' | 'thin' | 'refused';

export const troubleKinds: readonly TroubleKind[] = ['late', 'thin', 'refused'];

/** The state of affairs, in sentences. */
export interface News {
  /** What is wrong at this moment; a kind that is absent is well. */
  readonly troubles: ReadonlyMap<TroubleKind, readonly string[]>;
  /** What happened since it was told last. */
  readonly happened: ReadonlyMap<NotificationKind, readonly string[]>;
}

export interface Notification {
  readonly kind: NotificationKind;
  readonly lines: readonly string[];
  /** Kinds of trouble that count as told after it, and those that count as over. */
  readonly opens: readonly TroubleKind[];
  readonly closes: readonly TroubleKind[];
}

/** A kind is sent so rarely; what comes meanwhile is told in the next message. */
const atMostEvery: Milliseconds = 3_600_000;

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
  const begun = troubleKinds.filter((kind) => troubles.has(kind) && !isOpen(told, kind));
  const over = troubleKinds.filter((kind) => !troubles.has(kind) && isOpen(told, kind));
  const due = new Map<NotificationKind, Notification>();
  const add = (kind: NotificationKind, more: Partial<Notification>) => {
    const before = due.get(kind) ?? { kind, lines: [], opens: [], closes: [] };
    due.set(kind, {
      kind,
      lines: [...before.lines, ...(more.lines ?? [])],
      opens: [...before.opens, ...(more.opens ?? [])],
      closes: [...before.closes, ...(more.closes ?? [])],
    });
  };
  for (const kind of begun) add(kind, { lines: troubles.get(kind) ?? [], opens: [kind] });
  for (const [kind, lines] of happened) if (lines.length > 0) add(kind, { lines });
  for (const kind of over) add('recovered', { lines: [recovery[kind]], closes: [kind] });
  return [...due.values()].filter(({ kind }) => mayBeSent(kind));
}

const recovery: Readonly<Record<TroubleKind, string>> = {
  late: 'the newest windows come in time',
  thin: 'as many tokens as usual have a value',
  refused: 'the API gives access',
};
