#!/usr/bin/env node
import { Command } from 'commander';
import { backfillCommand } from './commands/backfill/command.ts';
import { demoCommand } from './commands/demo.ts';
import { exportCommand } from './commands/export.ts';
import { gapsCommand } from './commands/gaps.ts';
import { migrateCommand } from './commands/migrate.ts';
import { quarantineCommand } from './commands/quarantine.ts';
import { readerCommand } from './commands/reader.ts';
import { simulateCommand } from './commands/simulate.ts';
import { startCommand } from './commands/start.ts';
import { statusCommand } from './commands/status.ts';

await new Command('cryptoracle')
  .description("keeps a complete, query-ready copy of Cryptoracle's crypto-sentiment metrics in PostgreSQL")
  .version('0.1.0')
  .addCommand(demoCommand)
  .addCommand(startCommand)
  .addCommand(migrateCommand)
  .addCommand(backfillCommand)
  .addCommand(gapsCommand)
  .addCommand(statusCommand)
  .addCommand(quarantineCommand)
  .addCommand(exportCommand)
  .addCommand(readerCommand)
  .addCommand(simulateCommand)
  .parseAsync();
