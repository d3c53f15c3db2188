import { Command } from 'commander';
import { storeDesiredScope } from '../store/ledger/desired-scope.ts';
import { migrate } from '../store/setup/migrate.ts';
import { writeOut } from './output.ts';
import { runCommand } from './run.ts';

export const migrateCommand = new Command('migrate').action(() =>
  runCommand(async ({ runtime }) => {
    const database = await runtime.connectDatabase(2);
    await migrate(database, runtime.clock, runtime.log);
    // Where there is Redis the queue needs nothing of the database.
    if (runtime.settings.redisUrl === undefined) {
      const { migrateQueue } = await import('../queue/schema.ts');
      await migrateQueue(database);
    }
    await storeDesiredScope(database, runtime.settings, { onlyIfEmpty: true });
    writeOut('the database has the newest schema\n');
    return 0;
  }),
);
