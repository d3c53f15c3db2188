import { Command } from 'commander';
import { pauseHistory, resumeHistory } from '../store/ledger/history-pause.ts';
import { writeOut } from './output.ts';
import { type CommandContext, runCommand } from './run.ts';

/** All history laid aside, and taken up again. */

export const pauseCommand = new Command('pause')
  .addHelpText(
    'after',
    `
Windows older than a week are not asked for any more, and backfills that run or
wait are laid aside; the newest windows and the holes of the last days go on.
\`backfill pause N\` lays one backfill aside.`,
  )
  .action(() => runCommand(pause));

export const resumeCommand = new Command('resume')
  .addHelpText(
    'after',
    `
Backfills that were laid aside with all history go on, too, in running workers.
\`backfill resume N\` goes on with one backfill.`,
  )
  .action(() => runCommand(resume));

async function pause({ runtime }: CommandContext): Promise<number> {
  const isNew = await pauseHistory(await runtime.openExistingDatabase(), runtime.clock.now());
  writeOut(isNew ? 'history is paused; `resume` has it go on\n' : 'history was paused already\n');
  return 0;
}

async function resume({ runtime }: CommandContext): Promise<number> {
  const wasPaused = await resumeHistory(await runtime.openExistingDatabase(), runtime.clock.now());
  writeOut(wasPaused ? 'history goes on within five minutes\n' : 'history was not paused\n');
  return 0;
}
