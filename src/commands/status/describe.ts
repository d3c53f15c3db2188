import { granularities } from '../../catalog/index.ts';
import type { Settings } from '../../config.ts';
import type { DesiredScope } from '../../store/ledger/desired-scope.ts';
import { describeDoubt } from '../../store/ledger/doubted-lists.ts';
import type { GranularityStatus, Status, SuspendedRule } from '../../store/reports/status.ts';
import { visibleLine } from '../../terminal.ts';
import { beijing, bytes, count, counted, percent, printTable, writeOut } from '../output.ts';

/** The status as a person reads it. */

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
export function inDays(ages: Readonly<Record<string, number | undefined>>): Record<string, number | null> {
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

/** Tokens with a value of those that usually have one. */
function tokensThere({ tokens }: GranularityStatus): string {
  if (tokens === undefined) return '-';
  return tokens.usual === undefined ? count(tokens.tokens) : `${count(tokens.tokens)}/${count(tokens.usual)}`;
}

export function print(
  status: Status,
  desired: DesiredScope,
  keepNotes: Settings['keepNotes'],
  now: number,
): void {
  const { historyStart, apiVersion } = desired;
  printTable(
    ['', 'newest due (Beijing)', 'newest stored', 'behind', 'tokens', 'answered', 'of wanted'],
    status.granularities.map((part) => [
      part.granularity,
      beijing(part.newestDue),
      beijing(part.newestStored),
      part.windowsBehind === undefined ? '-' : count(part.windowsBehind),
      tokensThere(part),
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
    ...(status.doubtedList === undefined
      ? []
      : [
          `TOKEN LIST DOUBTED since ${beijing(status.doubtedList.since)} (Beijing): ` +
            `${describeDoubt(status.doubtedList)}; all stay in use, asked again ${beijing(status.doubtedList.askAt)}`,
        ]),
    ...status.suspects.map(
      ({ granularity, cells, tokens, since, askAt }) =>
        `SUSPECT: ${counted(cells, 'value')} of ${granularity} (${counted(tokens, 'token')}) came as nothing since ` +
        `${beijing(since)} (Beijing); asked for again from ${beijing(askAt)} on, believed after a day`,
    ),
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
