import { Command } from 'commander';
import { UserError } from '../../errors.ts';
import { parsePositive } from '../options.ts';
import { runCommand } from '../run.ts';
import { type SelectionOptions, withSelectionOptions } from '../selection.ts';
import { utcOption } from '../times.ts';
import { cancel, list, pause } from './orders.ts';
import { type OrderOptions, order, type ResumeOptions, resume } from './place.ts';
import { watch } from './watch.ts';

interface BackfillOptions extends SelectionOptions {
  readonly maxRequests?: number;
  readonly refresh?: true;
  readonly dryRun?: true;
  readonly detach?: true;
  readonly json?: true;
}

/** The range is not a required option for commander, which would ask the subcommands for it, too. */
function withRange(options: BackfillOptions): OrderOptions {
  const { from, to } = options;
  for (const [name, instant] of Object.entries({ from, to })) {
    if (instant === undefined) throw new UserError(`required option '--${name} <date>' not specified`);
  }
  return { ...options, from: from ?? 0, to: to ?? 0 };
}

const anOrder = ['[number]', 'number of the order (default: the newest that is not done)'] as const;

export const backfillCommand = withSelectionOptions(new Command('backfill'), {
  from: 'first day or instant, required; Beijing time unless it names a zone; yesterday, -7d',
  to: 'end of the range, not included; required',
})
  .option('--max-requests <n>', 'stop after so many calls to the API', parsePositive)
  .option('--refresh', 'ask again for what is answered, too, after a correction; changes become revisions')
  .option('--dry-run', 'only say what it would take')
  .option('--utc', 'with --dry-run: print times in UTC (default: Beijing)')
  .option('--detach', 'leave it to the running workers, and return at once')
  .option('--json', 'print the result as JSON')
  .hook('preSubcommand', (command, chosen) => {
    // They are about a new order, and would be ignored.
    if (Object.keys(command.opts()).length > 0)
      command.error(
        `error: options of a new order do not go with '${chosen.name()}'; its own stand behind it`,
      );
  })
  .addHelpText('after', '\nExample: cryptoracle backfill --from 2025-01-01 --to 2025-02-01 --granularity 1d')
  .action((options: BackfillOptions) => runCommand((context) => order(withRange(options), context)))
  .addCommand(
    new Command('resume')
      .description('go on with an order that was stopped or died, here or on another machine')
      .argument(...anOrder, parsePositive)
      .option('--max-requests <n>', 'stop after so many calls to the API', parsePositive)
      .option('--json', 'print the result as JSON')
      .option('--dry-run', 'only say what is left of it')
      .option('--utc', 'with --dry-run: print times in UTC (default: Beijing)')
      .option('--detach', 'leave it to the running workers, and return at once')
      .action((id: number | undefined, options: ResumeOptions) =>
        runCommand((context) => resume(id, options, context)),
      ),
  )
  .addCommand(
    new Command('list')
      .description('list the orders, the newest first')
      .option(...utcOption)
      .option('--json', 'print the result as JSON')
      .action((options: { json?: true; utc?: true }) => runCommand((context) => list(options, context))),
  )
  .addCommand(
    new Command('pause')
      .description('lay an order aside until it is resumed; a process that works on it ends')
      .argument('<number>', 'number of the order', parsePositive)
      .action((id: number) => runCommand((context) => pause(id, context))),
  )
  .addCommand(
    new Command('cancel')
      .description('give an order up; a process that works on it ends')
      .argument('<number>', 'number of the order', parsePositive)
      .action((id: number) => runCommand((context) => cancel(id, context))),
  )
  .addCommand(
    new Command('watch')
      .description('show how far an order is, from any terminal')
      .argument(...anOrder, parsePositive)
      .option(...utcOption)
      .option('--json', 'print it once, as JSON')
      .action((id: number | undefined, options: { json?: true; utc?: true }) =>
        runCommand((context) => watch(id, options, context)),
      ),
  );
