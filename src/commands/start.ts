import { Command, Option } from 'commander';
import { openQueue, type Role, roles, startPipeline, untilAborted } from './pipeline.ts';
import { type CommandContext, runCommand } from './run.ts';

export const startCommand = new Command('start')
  .description('run the pipeline until Ctrl-C: plan what is missing, fetch it, serve the status page')
  .addOption(new Option('--role <role>', 'what this process does').choices(roles).default('all'))
  .action(({ role }: { role: Role }) => runCommand((context) => start(role, context)));

async function start(role: Role, { runtime, signal }: CommandContext): Promise<number> {
  const { log } = runtime;
  const database = await runtime.openDatabase();
  const backend = await openQueue(runtime, database);
  if (role !== 'server') {
    await startPipeline(runtime, database, backend, await runtime.ingestor(database), role);
  }
  log.info({ role, queue: backend.kind }, 'running; Ctrl-C ends it');
  await untilAborted(signal);
  log.info('ending');
  return 0;
}
