import type { NotificationKind } from '../store/ledger/notifications.ts';

/** The words of a notification; pure. */

const titles: Readonly<Record<NotificationKind, string>> = {
  late: 'data are late',
  thin: 'fewer tokens than usual have a value',
  refused: 'the API refuses',
  recovered: 'well again',
  order: 'backfill',
  quarantine: 'the API sent what cannot be stored',
};

/** What helps, where something does. */
const remedies: Readonly<Partial<Record<NotificationKind, string>>> = {
  late: '`cryptoracle status` says what is wrong, `cryptoracle events` what happened',
  thin: '`cryptoracle status --token all` names the tokens',
  refused: '`cryptoracle doctor` tries the access, and says what to do',
  quarantine: '`cryptoracle quarantine list` shows it',
};

/** Most lines of a message. */
const mostLines = 10;

/** A message as chats take it. */
export function messageOf(kind: NotificationKind, lines: readonly string[]): string {
  const more = lines.length - mostLines;
  const shown = more > 0 ? [...lines.slice(0, mostLines), `and ${more} more`] : lines;
  const remedy = remedies[kind];
  return [
    `Cryptoracle: ${titles[kind]}`,
    ...shown.map((line) => `• ${line}`),
    ...(remedy === undefined ? [] : [remedy]),
  ].join('\n');
}

export const testMessage = 'Cryptoracle: this is a test; notifications arrive here';
