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
