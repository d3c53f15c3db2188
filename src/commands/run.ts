import { inspect } from 'node:util';
import { describeUnread } from '../config/unread.ts';
import { readSettings, type Settings, unreadSettings } from '../config.ts';
import { errorLine, TryLaterError, UserError } from '../errors.ts';
import { explainConnectionError } from '../store/connection/errors.ts';
import { writeErr } from './output.ts';
import { Runtime } from './runtime.ts';

/** How long a command may take to end after Ctrl-C, in milliseconds; then it is ended. */
const closingTime = 4500;

export interface CommandContext {
  readonly runtime: Runtime;
  /** Aborted by Ctrl-C or SIGTERM. */
  readonly signal: AbortSignal;
  /** Ends the command from the background, with the exit code and the line that belong to the error. */
  readonly fail: (error: UserError | TryLaterError) => void;
}

/** The work of a command. @returns the exit code, 0 where it gives none */
export type CommandWork = (context: CommandContext) => Promise<number | undefined>;

/**
 * Runs a command from the settings to the exit code: what a person can mend is one line on stderr, everything that was
 * opened is closed, and Ctrl-C ends it in good order.
 */
export async function runCommand(
  work: CommandWork,
  changeSettings: (settings: Settings) => Settings = (settings) => settings,
): Promise<void> {
  const stop = new AbortController();
  const interrupt = () => {
    if (stop.signal.aborted) process.exit(130);
    stop.abort();
    setTimeout(() => process.exit(process.exitCode ?? 1), closingTime).unref();
  };
  let failure: UserError | TryLaterError | undefined;
  const fail = (error: UserError | TryLaterError) => {
    failure ??= error;
    process.exitCode = error.exitCode;
    if (!stop.signal.aborted) interrupt();
  };
  process.on('SIGINT', interrupt);
  process.on('SIGTERM', interrupt);
  // A reader that has seen enough, such as `head`, is no error.
  process.stdout.on('error', () => {});
  // Where nobody reads progress and log any more, nobody waits for the end.
  process.stderr.on('error', () => stop.abort());

  let runtime: Runtime | undefined;
  try {
    const reread = () => changeSettings(readSettings());
    runtime = new Runtime(reread(), { reread });
    for (const unread of unreadSettings()) {
      writeErr(errorLine(`warning: ${describeUnread(unread)}`));
    }
    process.exitCode = (await work({ runtime, signal: stop.signal, fail })) ?? 0;
    if (failure !== undefined) throw failure;
  } catch (error) {
    process.exitCode = tell(explain(error, runtime));
  } finally {
    await runtime?.close();
  }
  // A pipe takes long results bit by bit; the rest would be lost.
  await new Promise<void>((done) => process.stdout.write('', () => done()));
  // Handles that still hold the process, a socket to a slow server say, have nothing left to do.
  process.exit();
}

/** Errors of the database are told in the same words while a command runs as when it starts. */
function explain(error: unknown, runtime: Runtime | undefined): unknown {
  const url = runtime?.databaseUrl;
  return url === undefined ? error : explainConnectionError(error, url);
}

/** Says what went wrong. @returns the exit code */
function tell(error: unknown): number {
  if (error instanceof UserError || error instanceof TryLaterError) {
    writeErr(errorLine(`error: ${error.message}`));
    return error.exitCode;
  }
  writeErr(`error: an unexpected failure, please report it\n${inspect(error)}\n`);
  return 70;
}
