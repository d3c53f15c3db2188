import { Command, Option } from 'commander';
import { requireCredentials } from '../config.ts';
import type { Watchdog } from '../queue/watchdog.ts';
import { dropExtraTokens } from '../store/ledger/tokens.ts';
import { type Role, roles } from './roles.ts';
import { type CommandContext, runCommand } from './run.ts';

export const startCommand = new Command('start')
  .addOption(new Option('--role <role>', 'what this process does').choices(roles).default('all'))
  .action(({ role }: { role: Role }) => runCommand((context) => start(role, context)));

async function start(role: Role, context: CommandContext): Promise<number> {
  const { runtime, signal } = context;
  const { log, settings } = runtime;
  // The queue and the server load a third of the program; --help needs neither, a worker no server.
  const { openQueue, startPipeline, untilAborted } = await import('./pipeline.ts');
  // A missing credential is told before anything is started or created.
  if (role !== 'server') requireCredentials(settings);
  const database = await runtime.openDatabase();
  // A process that only serves can answer without a queue, too.
  const backend = await openQueue(runtime, database, role === 'server');
  let watchdog: Watchdog | undefined;
  // First, since a port in use is known at once.
  if (role === 'all' || role === 'server') {
    const { serve } = await import('./serve.ts');
    await serve(runtime, database, backend, () => watchdog?.stalls ?? []);
  }
  if (role !== 'server') {
    await runtime.requireTokens(database, settings.tokens, 'TOKENS', signal);
    if (role !== 'worker') await dropExtraTokens(database, settings.extraTokens);
    watchdog = await startPipeline(context, database, backend, role);
  }
  log.info({ role, queue: backend.kind }, 'running; Ctrl-C ends it');
  await untilAborted(signal);
  log.info('ending');
  return 0;
}
