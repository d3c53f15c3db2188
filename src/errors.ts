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
    .replaceAll(/[\s\p{Cc}\p{Cf}]+/gu, ' ')
    .trim();
}

/** Longest line that anybody reads, in characters. */
const longestLine = 4000;

/**
 * The line that a person is told, with its end of line. A text of absurd length loses its middle: it quotes what was
 * given, with what is wrong before it and what would be right behind it.
 */
export function errorLine(message: string): string {
  const line = oneLine(message);
  const half = longestLine / 2;
  const shortened = line.length > longestLine ? `${line.slice(0, half)} ... ${line.slice(-half)}` : line;
  return `${shortened.toWellFormed()}\n`;
}

/** The message of the innermost error, on one line: libraries wrap it in whole statements and their values. */
export function innermost(error: unknown): string {
  let reason = error;
  while (reason instanceof Error && reason.cause instanceof Error) reason = reason.cause;
  const message = reason instanceof Error ? reason.message || reason.name : String(reason);
  return oneLine(message).slice(0, 300);
}
