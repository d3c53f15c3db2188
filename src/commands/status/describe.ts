import { granularities } from '../../catalog/index.ts';
import type { Settings } from '../../config.ts';
import type { DesiredScope } from '../../store/ledger/desired-scope.ts';
import type { Filling } from '../../store/reports/filling.ts';
import type { GranularityStatus, Status, SuspendedRule } from '../../store/reports/status.ts';
import { type Trouble, verdictOf } from '../../store/reports/troubles.ts';
import { visibleLine } from '../../terminal.ts';
import { bytes, count, counted, percent, printTable, writeOut } from '../output.ts';
import { type Times, wrapped } from '../times.ts';
import { describeFilling, describeTrouble } from './headline.ts';

/** The status as a person reads it. */

const shownExamples = 3;

/** A suspended rule of the quality checks, with some of what it found. */
function describeSuspended(
  { granularity, metric, note, share, rows, examples }: SuspendedRule,
  times: Times,
): string {
  const found = examples
    .slice(0, shownExamples)
    .map(
      ({ token, time, value, detail }) => `${token} ${times.minute(Date.parse(time))}: ${value} (${detail})`,
    );
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

/** Tokens with a value of those that usually have one. */
function tokensThere({ tokens }: GranularityStatus): string {
  if (tokens === undefined) return '-';
  return tokens.usual === undefined ? count(tokens.tokens) : `${count(tokens.tokens)}/${count(tokens.usual)}`;
}

/** The lines that come first: what is wrong and what to do about it, and how far the history is. */
function printHead(
  { status, troubles, filling }: Pick<StatusPage, 'status' | 'troubles' | 'filling'>,
  times: Times,
): void {
  const { level, sentence, remedy } = verdictOf(troubles, filling, status.granularities);
  if (level === 'well') {
    writeOut(wrapped(visibleLine(sentence.replace(/^All/, 'all').replace(/\.$/, '')), ''));
    if (remedy !== null) writeOut(wrapped(visibleLine(remedy), '  '));
  }
  for (const trouble of troubles) {
    const [what, remedy] = describeTrouble(trouble, times);
    writeOut(wrapped(visibleLine(what), ''));
    writeOut(wrapped(visibleLine(remedy), '  '));
  }
  if (filling !== undefined) {
    const isPaused = troubles.some(({ kind }) => kind === 'history paused');
    writeOut(wrapped(describeFilling(filling, isPaused), ''));
  }
  writeOut('\n');
}

export interface StatusPage {
  readonly status: Status;
  readonly troubles: readonly Trouble[];
  readonly filling: Filling | undefined;
  readonly desired: DesiredScope;
  readonly keepNotes: Settings['keepNotes'];
  readonly now: number;
}

export function print(
  { status, troubles, filling, desired, keepNotes, now }: StatusPage,
  times: Times,
): void {
  const { historyStart, apiVersion } = desired;
  printHead({ status, troubles, filling }, times);
  printTable(
    ['', `due (${times.zone})`, 'newest stored', 'behind', 'tokens', 'answered', 'of wanted'],
    status.granularities.map((part) => [
      part.granularity,
      times.minute(part.newestDue),
      times.minute(part.newestStored),
      part.windowsBehind === undefined ? '-' : count(part.windowsBehind),
      tokensThere(part),
      percent(part.answered, part.wanted),
      count(part.wanted),
    ]),
  );
  const calls = Object.entries(status.calls).map(([outcome, number]) => `${count(number)} ${outcome}`);
  const lines = [
    `wanted: from ${times.minute(historyStart)} (${times.zone}) on, ${counted(status.tokens, 'token')}${status.refused.length > 0 ? `; not in the subscription: ${status.refused.join(', ')}` : ''}`,
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
    `revisions: ${count(status.revisions)}, quarantined: ${count(status.quarantined)}, quality notes: ${count(status.qualityNotes)}`,
    ...status.suspendedRules.map((rule) => describeSuspended(rule, times)),
    ...describeKept(desired, keepNotes, status),
    `database: ${bytes(status.databaseBytes)}${status.timescale ? ', hypertables' : ', plain tables (no TimescaleDB)'}`,
  ];
  writeOut(lines.map((line) => wrapped(visibleLine(line), '')).join(''));
}
