#!/usr/bin/env node
import { Command } from 'commander';
import { backfillCommand } from './commands/backfill/command.ts';
import { demoCommand } from './commands/demo.ts';
import { doctorCommand } from './commands/doctor/command.ts';
import { exportCommand } from './commands/export.ts';
import { gapsCommand } from './commands/gaps.ts';
import { migrateCommand } from './commands/migrate.ts';
import { quarantineCommand } from './commands/quarantine.ts';
import { readerCommand } from './commands/reader.ts';
import { simulateCommand } from './commands/simulate.ts';
import { startCommand } from './commands/start.ts';
import { statusCommand } from './commands/status.ts';
import { errorLine } from './errors.ts';

const program = new Command('cryptoracle')
  .description("keeps a complete, query-ready copy of Cryptoracle's crypto-sentiment metrics in PostgreSQL")
  .version('0.1.0')
  .configureOutput({ outputError: (message, write) => write(errorLine(message)) });

const commands = [
  demoCommand,
  startCommand,
  migrateCommand,
  backfillCommand,
  gapsCommand,
  statusCommand,
  doctorCommand,
  quarantineCommand,
  exportCommand,
  readerCommand,
  simulateCommand,
];
for (const command of commands) program.addCommand(inheriting(command, program));

await program.parseAsync();

/** Commands that were made by themselves take over how mistakes are told, and hand it on. */
function inheriting(command: Command, parent: Command): Command {
  command.copyInheritedSettings(parent);
  for (const each of command.commands) inheriting(each, command);
  return command;
}
