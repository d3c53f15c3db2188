import { Command } from 'commander';
import { type DesiredScope, readDesiredScope } from '../store/ledger/desired-scope.ts';
import { readCurrentStatus, type Status, statusToJson } from '../store/reports/status.ts';
import { beijing, bytes, count, counted, printJson, printTable } from './output.ts';
import { type CommandContext, runCommand } from './run.ts';

export const statusCommand = new Command('status')
  .option('--json', 'print the result as JSON')
  .action((options: { json?: true }) => runCommand((context) => status(options.json === true, context)));

async function status(json: boolean, { runtime }: CommandContext): Promise<number> {
  const database = await runtime.openExistingDatabase(4);
  const now = runtime.clock.now();
  const desired = await readDesiredScope(database, runtime.settings);
  const current = await readCurrentStatus(database, desired, now);
  if (json) printJson(statusToJson(current));
  else print(current, desired, now);
  return 0;
}

/** Never rounds up to 100 %: full means full. */
function percent(answered: number, wanted: number): string {
  return wanted === 0 ? '-' : `${(Math.floor((answered / wanted) * 10_000) / 100).toFixed(2)}%`;
}

function print(status: Status, { historyStart }: DesiredScope, now: number): void {
  printTable(
    ['', 'newest due (Beijing)', 'newest stored', 'behind', 'answered', 'of wanted'],
    status.granularities.map((part) => [
      part.granularity,
      beijing(part.newestDue),
      beijing(part.newestStored),
      part.windowsBehind === undefined ? '-' : count(part.windowsBehind),
      percent(part.answered, part.wanted),
      count(part.wanted),
    ]),
  );
  const calls = Object.entries(status.calls).map(([outcome, number]) => `${count(number)} ${outcome}`);
  const lines = [
    `wanted: from ${beijing(historyStart)} (Beijing) on, ${counted(status.tokens, 'token')}${status.refused.length > 0 ? `; not in the subscription: ${status.refused.join(', ')}` : ''}`,
    `the day starts at ${status.dayStart.value} in Beijing (${status.dayStart.found})`,
    `calls in 24 h: ${calls.length > 0 ? calls.join(', ') : 'none'}`,
    ...(status.dropped.windowsBeside + status.dropped.rejects === 0
      ? []
      : [
          `dropped in 24 h: ${counted(status.dropped.windowsBeside, 'window')} beside the asked range, ` +
            `${counted(status.dropped.rejects, 'thing')} more that cannot be stored than quarantine keeps`,
        ]),
    ...(status.lastCall === undefined
      ? []
      : [
          `last call: ${status.lastCall.outcome}${status.lastCall.message ? ` (${status.lastCall.message})` : ''}, ` +
            `${Math.max(0, Math.round((now - status.lastCall.at) / 1000))} s ago`,
        ]),
    ...(status.accessRefused === undefined
      ? []
      : [
          `ACCESS REFUSED since ${beijing(status.accessRefused.openedAt)} (Beijing): ${status.accessRefused.reason}; ` +
            `next probe ${beijing(status.accessRefused.probeAt)}`,
        ]),
    `revisions: ${count(status.revisions)}, quarantined: ${count(status.quarantined)}, quality notes: ${count(status.qualityNotes)}`,
    `database: ${bytes(status.databaseBytes)}${status.timescale ? ', hypertables' : ', plain tables (no TimescaleDB)'}`,
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
}
