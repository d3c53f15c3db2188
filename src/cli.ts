#!/usr/bin/env node
import { Command } from 'commander';
import { backfillCommand } from './commands/backfill.ts';
import { gapsCommand } from './commands/gaps.ts';
import { migrateCommand } from './commands/migrate.ts';
import { simulateCommand } from './commands/simulate.ts';
import { statusCommand } from './commands/status.ts';

await new Command('cryptoracle')
  .description("keeps a complete, query-ready copy of Cryptoracle's crypto-sentiment metrics in PostgreSQL")
  .version('0.1.0')
  .showHelpAfterError('(--help lists what there is)')
  .addCommand(migrateCommand)
  .addCommand(backfillCommand)
  .addCommand(gapsCommand)
  .addCommand(statusCommand)
  .addCommand(simulateCommand)
  .parseAsync();
