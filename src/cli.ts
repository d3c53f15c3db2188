#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { commands } from './commands/index.ts';
import { errorLine } from './errors.ts';
import { keepHeapSmall } from './heap.ts';
import { packageFolder } from './package.ts';

keepHeapSmall();

/** `cryptoracle --help` tells of the commands without loading any of them. */
const program = new Command('cryptoracle')
  .description("keeps a complete, query-ready copy of Cryptoracle's crypto-sentiment metrics in PostgreSQL")
  .version(readVersion())
  // Else `backfill` would take options behind `backfill resume` for its own and ignore them.
  .enablePositionalOptions()
  .configureOutput({ outputError: (message, write) => write(errorLine(message)) });

// `help NAME` asks for a command's help, too; `--` may stand before the name.
const [first, second] = process.argv.slice(2).filter((word) => !word.startsWith('-'));
const wanted = first === 'help' ? second : first;
for (const { name, description, load } of commands) {
  const command = name === wanted ? await load() : new Command(name);
  program.addCommand(inheriting(command.description(description), program));
}

await program.parseAsync();

/** The version of this package. */
function readVersion(): string {
  const { version } = JSON.parse(readFileSync(join(packageFolder, 'package.json'), 'utf8'));
  return String(version);
}

/** Commands that were made by themselves take over how mistakes are told, and hand it on. */
function inheriting(command: Command, parent: Command): Command {
  command.copyInheritedSettings(parent);
  for (const each of command.commands) inheriting(each, command);
  return command;
}
