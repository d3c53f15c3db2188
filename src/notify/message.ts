import type { NotificationKind } from '../store/ledger/notifications.ts';

/** The words of a notification; pure. */

const titles: Readonly<Record<NotificationKind, string>> = {
  refused: 'the API refuses',
  queue: 'the queue does not work',
  api: 'the API does not answer',
  database: 'the database does not work',
  clock: 'clocks differ',
  stalled: 'a process stalled',
  disk: 'the disk is nearly full',
  late: 'data are late',
  thin: 'fewer tokens than usual have a value',
  'token list': 'the list of tokens is doubted',
  recovered: 'well again',
  order: 'backfill',
  quarantine: 'the API sent what cannot be stored',
};

/** Where more is to be seen. */
const pointers: Readonly<Partial<Record<NotificationKind, string>>> = {
  late: '`cryptoracle status` says what else is wrong, `cryptoracle events` what happened',
  thin: '`cryptoracle status --token all` names the tokens',
  refused: '`cryptoracle doctor` tries the access',
  quarantine: '`cryptoracle quarantine list` shows it',
};

/** Most lines of a message. */
const mostLines = 10;

/** A message as chats take it. @param remedies what helps, as the page and `status` say it */
export function messageOf(
  kind: NotificationKind,
  lines: readonly string[],
  remedies: readonly string[] = [],
): string {
  const more = lines.length - mostLines;
  const shown = more > 0 ? [...lines.slice(0, mostLines), `and ${more} more`] : lines;
  const pointer = pointers[kind];
  return [
    `Cryptoracle: ${titles[kind]}`,
    ...shown.map((line) => `• ${line}`),
    ...remedies.map((remedy) => `${remedy.slice(0, 1).toUpperCase()}${remedy.slice(1)}.`),
    ...(pointer === undefined ? [] : [pointer]),
  ].join('\n');
}

export const testMessage = 'Cryptoracle: this is a test; notifications arrive here';
