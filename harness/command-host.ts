import { AsyncLocalStorage } from 'node:async_hooks';
import { pathToFileURL } from 'node:url';

/**
 * Runs one command after the other in a single process: loading the program takes longer than most commands do. Each has
 * its own arguments, folder and environment, and starts from the program's entry file; modules stay loaded. Commands for
 * which the process matters (signals, several at once, flags of Node.js) are started as processes of their own.
 */

export interface HostedCommand {
  readonly args: readonly string[];
  readonly cwd: string;
  readonly environment: Readonly<Record<string, string>>;
  /** Printed to stdout and stderr once the command has ended: what comes before it is the command's. */
  readonly mark: string;
}

/** Ends a command where the program ends its process. */
class Exit extends Error {}

const [, , cli = ''] = process.argv;
const entry = pathToFileURL(cli).href;
const commands = new AsyncLocalStorage<object>();
let current: object | undefined;
let runs = 0;

process.exit = (code) => {
  // A timer of a command that has ended may still want to end its process.
  if (commands.getStore() !== current) return undefined as never;
  process.exitCode = code ?? process.exitCode;
  throw new Exit();
};

async function run({ args, cwd, environment, mark }: HostedCommand): Promise<void> {
  process.chdir(cwd);
  for (const name of Object.keys(process.env)) delete process.env[name];
  Object.assign(process.env, environment);
  process.argv = [process.execPath, cli, ...args];
  process.exitCode = undefined;
  current = {};
  try {
    // The entry file anew; the modules that it imports are there already.
    await commands.run(current, () => import(`${entry}?run=${runs++}`));
  } catch (error) {
    if (!(error instanceof Exit)) {
      process.stderr.write(`${error instanceof Error ? error.stack : error}\n`);
      process.exitCode = 1;
    }
  }
  current = undefined;
  const code = Number(process.exitCode ?? 0);
  process.exitCode = undefined;
  for (const signal of ['SIGINT', 'SIGTERM']) process.removeAllListeners(signal);
  for (const stream of [process.stdout, process.stderr]) {
    // A pipeline to them leaves some behind.
    for (const event of ['error', 'close']) stream.removeAllListeners(event);
    await new Promise<void>((done) => stream.write(mark, () => done()));
  }
  process.send?.(code);
}

// The one who started it sends the next command when this one has ended.
process.on('message', (command: HostedCommand) => void run(command));
process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));
