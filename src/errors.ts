/**
 * The two roots of what a person is told. Whatever else reaches the top of a command is a defect and is shown with
 * its stack.
 */

/** Something the user can put right: the message names it and the remedy. Exit code 1. */
export class UserError extends Error {
  override readonly name = 'UserError';
  readonly exitCode = 1;
}

/** Something that time or somebody else puts right: try again later. Exit code 75 (EX_TEMPFAIL). */
export class TryLaterError extends Error {
  override readonly name = 'TryLaterError';
  readonly exitCode = 75;
}

/** Text of any origin on one line, fit for a terminal, a log and a text column: no control characters, no half ones. */
export function oneLine(text: string): string {
  return text
    .toWellFormed()
    .replaceAll(/[\s\p{Cc}]+/gu, ' ')
    .trim();
}

/** What lies at the bottom of an error, on one line: libraries wrap it in whole statements and their values. */
export function innermost(error: unknown): string {
  let reason = error;
  while (reason instanceof Error && reason.cause instanceof Error) reason = reason.cause;
  const message = reason instanceof Error ? reason.message || reason.name : String(reason);
  return oneLine(message).slice(0, 300);
}
