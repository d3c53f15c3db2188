import { Command } from 'commander';
import { granularities } from '../catalog/index.ts';
import type { Settings } from '../config.ts';
import { type DesiredScope, readDesiredScope } from '../store/ledger/desired-scope.ts';
import { noticeDropped } from '../store/ledger/dropped.ts';
import { readCurrentStatus, type Status, type SuspendedRule, statusToJson } from '../store/reports/status.ts';
import { visibleLine } from '../terminal.ts';
import { beijing, bytes, count, counted, printJson, printTable, writeOut } from './output.ts';
import { type CommandContext, runCommand } from './run.ts';

export const statusCommand = new Command('status')
  .option('--json', 'print the result as JSON')
  .action((options: { json?: true }) => runCommand((context) => status(options.json === true, context)));

async function status(json: boolean, { runtime }: CommandContext): Promise<number> {
  const database = await runtime.openExistingDatabase(4);
  const now = runtime.clock.now();
  const desired = await readDesiredScope(database, runtime.settings);
  await noticeDropped(database, now, { refetch: runtime.settings.refetchDropped });
  const current = await readCurrentStatus(database, desired, now);
  const { keepNotes } = runtime.settings;
  if (json) printJson({ ...statusToJson(current), keep: inDays({ ...desired.keep, ...keepNotes }) });
  else print(current, desired, keepNotes, now);
  return 0;
}

/** Never rounds up to 100 %: full means full. */
function percent(answered: number, wanted: number): string {
  return wanted === 0 ? '-' : `${(Math.floor((answered / wanted) * 10_000) / 100).toFixed(2)}%`;
}

const shownExamples = 3;

/** A suspended rule of the quality checks, with some of what it found. */
function describeSuspended({ granularity, metric, note, share, rows, examples }: SuspendedRule): string {
  const found = examples
    .slice(0, shownExamples)
    .map(({ token, time, value, detail }) => `${token} ${beijing(Date.parse(time))}: ${value} (${detail})`);
  return (
    `quality rule suspended: '${note}' of ${metric} in ${granularity} fires on ${(share * 100).toFixed(1)}% ` +
    `of ${counted(rows, 'row')}, so the rule is wrong for these data; for example ${found.join('; ')}`
  );
}

const day = 86_400_000;

/** Ages in days, `null` for what is kept for good. */
function inDays(ages: Readonly<Record<string, number | undefined>>): Record<string, number | null> {
  return Object.fromEntries(
    Object.entries(ages).map(([name, age]) => [name, age === undefined ? null : age / day]),
  );
}

/** How long each thing is kept, how much of the notes there is, and what they come to in a year. */
function describeKept(
  { keep = {} }: DesiredScope,
  keepNotes: Settings['keepNotes'],
  { notes }: Status,
): string[] {
  const limited = granularities.flatMap((granularity) => {
    const age = keep[granularity];
    return age === undefined ? [] : [`${granularity} for ${count(age / day)} days`];
  });
  const values = limited.length === 0 ? 'for good' : `${limited.join(', ')}, all else for good`;
  const lines = notes.map(({ table, rows, bytes: size, rowsPerYear, bytesPerYear }) => {
    const rate =
      rowsPerYear === undefined || bytesPerYear === undefined
        ? ''
        : `, ${counted(rowsPerYear, 'row')} and ${bytes(bytesPerYear)} a year`;
    return `${table} kept ${count(keepNotes[table] / day)} days: ${counted(rows, 'row')}, ${bytes(size)}${rate}`;
  });
  return [`values kept: ${values}`, ...lines];
}

function describeDropped({ granularities: parts }: Status): string[] {
  const dropped = parts.filter((part) => part.dropped > 0);
  if (dropped.length === 0) return [];
  const amounts = dropped.map((part) => `${counted(part.dropped, 'value')} of ${part.granularity}`);
  return [
    `DROPPED HERE: ${amounts.join(', ')}; \`gaps --reason "dropped here"\` says which, ` +
      '`backfill --refresh` or REFETCH_DROPPED=on fetches them again',
  ];
}

function print(status: Status, desired: DesiredScope, keepNotes: Settings['keepNotes'], now: number): void {
  const { historyStart, apiVersion } = desired;
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
    ...(status.notInApiVersion.length > 0
      ? [`not in version ${apiVersion} of the API, and not asked for: ${status.notInApiVersion.join(', ')}`]
      : []),
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
    ...describeDropped(status),
    ...status.suspendedRules.map(describeSuspended),
    ...describeKept(desired, keepNotes, status),
    `database: ${bytes(status.databaseBytes)}${status.timescale ? ', hypertables' : ', plain tables (no TimescaleDB)'}`,
  ];
  writeOut(`${lines.map(visibleLine).join('\n')}\n`);
}
