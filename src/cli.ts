#!/usr/bin/env node
import { Command } from 'commander';
import { errorLine } from './errors.ts';

/** Each is read only when it is wanted: what one command needs is none of another's time to start. */
const commands: Readonly<Record<string, () => Promise<Command>>> = {
  demo: async () => (await import('./commands/demo.ts')).demoCommand,
  start: async () => (await import('./commands/start.ts')).startCommand,
  migrate: async () => (await import('./commands/migrate.ts')).migrateCommand,
  backfill: async () => (await import('./commands/backfill/command.ts')).backfillCommand,
  gaps: async () => (await import('./commands/gaps.ts')).gapsCommand,
  status: async () => (await import('./commands/status.ts')).statusCommand,
  doctor: async () => (await import('./commands/doctor/command.ts')).doctorCommand,
  quarantine: async () => (await import('./commands/quarantine.ts')).quarantineCommand,
  export: async () => (await import('./commands/export.ts')).exportCommand,
  reader: async () => (await import('./commands/reader.ts')).readerCommand,
  simulate: async () => (await import('./commands/simulate.ts')).simulateCommand,
};

const program = new Command('cryptoracle')
  .description("keeps a complete, query-ready copy of Cryptoracle's crypto-sentiment metrics in PostgreSQL")
  .version('0.1.0')
  // Else `backfill` would take options behind `backfill resume` for its own, and do without a word as if they were not there.
  .enablePositionalOptions()
  .configureOutput({ outputError: (message, write) => write(errorLine(message)) });

// Whoever names none of them, or asks for help, is told about all.
const named = Object.entries(commands).filter(([name]) => name === process.argv[2]);
for (const [, load] of named.length > 0 ? named : Object.entries(commands)) {
  program.addCommand(inheriting(await load(), program));
}

await program.parseAsync();

/** Commands that were made by themselves take over how mistakes are told, and hand it on. */
function inheriting(command: Command, parent: Command): Command {
  command.copyInheritedSettings(parent);
  for (const each of command.commands) inheriting(each, command);
  return command;
}
