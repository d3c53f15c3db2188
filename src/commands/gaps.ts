import { Command, InvalidArgumentError } from 'commander';
import type { Catalogue } from '../catalog/index.ts';
import { UserError } from '../errors.ts';
import { isEmpty } from '../planning/interval.ts';
import type { WantedWindows } from '../planning/plan.ts';
import { windowCount } from '../planning/windows.ts';
import { type GapReason, gapReasons, openReasons } from '../store/reports/gap-reasons.ts';
import { type ReportedGap, readReportedGaps } from '../store/reports/gaps.ts';
import { earliest, type NextTry, readNextTries } from '../store/reports/next-tries.ts';
import { visibleLine } from '../terminal.ts';
import { parseItems } from './options.ts';
import { count, counted, printJson, printTable, writeOut } from './output.ts';
import { type CommandContext, runCommand } from './run.ts';
import { openSelection, type SelectionOptions, withSelectionOptions } from './selection.ts';
import { type Times, timesIn, utcOption, wrapped } from './times.ts';

interface GapsOptions extends SelectionOptions {
  readonly reason?: readonly GapReason[];
  readonly all?: true;
  readonly utc?: true;
  readonly json?: true;
}

export const gapsCommand = withSelectionOptions(new Command('gaps'), {
  from: 'first day or instant (default: HISTORY_START)',
  to: 'end of the range, not included (default: now)',
})
  .option('--reason <list>', 'which reasons, by the words below (default: the first six)', parseReasons)
  .option('--all', 'every reason: also what the API does not have')
  .option(...utcOption)
  .option('--json', 'print the result as JSON')
  .addHelpText('after', `\nReasons:\n${gapReasons.map((reason) => `  "${reason}"\n`).join('')}`)
  .action((options: GapsOptions) => runCommand((context) => gaps(options, context)));

function parseReasons(text: string): readonly GapReason[] {
  return parseItems(text, (item) => {
    const reason = gapReasons.find((each) => each === item);
    if (reason === undefined) {
      throw new InvalidArgumentError(
        `Unknown reason '${item}'; there are ${gapReasons.map((each) => `"${each}"`).join(', ')}.`,
      );
    }
    return reason;
  });
}

async function gaps(options: GapsOptions, { runtime }: CommandContext): Promise<number> {
  const { clock } = runtime;
  if (options.all === true && options.reason !== undefined) {
    throw new UserError('--all and --reason exclude each other');
  }
  const { database, desired, tokens, metrics, wanted } = await openSelection(options, runtime);
  const reasons = options.all === true ? gapReasons : (options.reason ?? openReasons);

  const found: ReportedGap[] = [];
  for (const [granularity, interval] of wanted) {
    const cells = { granularity, tokens, metrics, interval, apiVersion: desired.apiVersion };
    found.push(...(await readReportedGaps(database, cells, reasons, clock.now())));
  }
  const nextTry = await readNextTries(database, clock.now());
  if (options.json === true) printJson(found.map((gap) => toJson(gap, nextTry)));
  else print(found, wanted, { catalogue: database.catalogue, times: timesIn(options.utc), nextTry });
  return 0;
}

const windowsOf = ({ granularity, interval }: ReportedGap) => windowCount(granularity, interval);
const valuesOf = (gap: ReportedGap) => windowsOf(gap) * gap.tokens.length * gap.metrics.length;

function toJson(gap: ReportedGap, nextTry: NextTry): object {
  const next = nextTry(gap);
  const { granularity, interval, tokens, metrics, reason, detail } = gap;
  return {
    granularity,
    from: new Date(interval.start).toISOString(),
    to: new Date(interval.end).toISOString(),
    windows: windowsOf(gap),
    tokens,
    metrics,
    values: valuesOf(gap),
    reason,
    detail,
    nextTry: next === undefined ? null : new Date(next).toISOString(),
  };
}

const mostLines = 40;

/** The next step for each reason: by itself, or by a person. */
const whatNext: Readonly<Record<GapReason, string>> = {
  'not asked yet': 'the pipeline asks for it, the newest first',
  failed: 'asked for again within five minutes while the pipeline runs',
  suspect: 'asked for again with growing pauses, believed after a day',
  'not entitled': 'the subscription lacks it; tried again once a day',
  quarantined: '`quarantine list` shows what came',
  'dropped here': '`backfill --refresh` or REFETCH_DROPPED=on fetches it again',
  'not in this API version': 'another CRYPTORACLE_API_VERSION may have it',
  'empty at the source': 'asked for again once a day for three days',
  "before the token's history": 'there is nothing to fetch',
  'not available': 'the newest windows are looked at once a week',
};

/** The means to show gaps. */
interface Shown {
  readonly catalogue: Catalogue;
  readonly times: Times;
  readonly nextTry: NextTry;
}

function print(
  found: readonly ReportedGap[],
  wanted: WantedWindows,
  { catalogue, times, nextTry }: Shown,
): void {
  const intervals = [...wanted.values()].filter((interval) => !isEmpty(interval));
  if (intervals.length === 0) {
    writeOut('no gaps: no window of this range is due yet\n');
    return;
  }
  const from = times.minute(Math.min(...intervals.map(({ start }) => start)));
  const range = `from ${from} to ${times.minute(Math.max(...intervals.map(({ end }) => end)))} (${times.zone})`;
  if (found.length === 0) {
    writeOut(`no gaps ${range}\n`);
    return;
  }
  const total = (gaps: readonly ReportedGap[]) => gaps.reduce((sum, gap) => sum + valuesOf(gap), 0);
  writeOut(`${counted(total(found), 'value')} missing in ${counted(found.length, 'gap')}\n${range}\n`);
  const groups = gapReasons
    .map((reason) => ({ reason, gaps: found.filter((gap) => gap.reason === reason) }))
    .filter(({ gaps }) => gaps.length > 0);
  const width = Math.max(...groups.map(({ reason }) => reason.length));
  for (const { reason, gaps } of groups) {
    const sum = `${reason.padEnd(width)}  ${counted(total(gaps), 'value')}`;
    const at = earliest(gaps.map(nextTry));
    const when = at === undefined ? '' : `; next at ${times.minute(at)}`;
    writeOut(wrapped(visibleLine(`${sum}: ${whatNext[reason]}${when}`), '  '));
  }
  let left = mostLines;
  for (const { reason, gaps } of groups) {
    if (left <= 0) break;
    printGroup(reason, gaps.slice(0, left), catalogue, times);
    left -= gaps.length;
  }
  if (left < 0) writeOut(`\n${counted(-left, 'more gap')}; --json lists all\n`);
}

function printGroup(
  reason: GapReason,
  gaps: readonly ReportedGap[],
  catalogue: Catalogue,
  times: Times,
): void {
  writeOut(`\n${reason}\n`);
  printTable(
    ['', `from (${times.zone})`, 'windows', 'tokens', 'metrics'],
    gaps.map((gap) => [
      gap.granularity,
      times.minute(gap.interval.start),
      count(windowsOf(gap)),
      someOf(gap.tokens),
      gap.metrics.length === catalogue.codes.length
        ? 'all'
        : someOf(gap.metrics.map((code) => catalogue.metric(code).column)),
    ]),
  );
  const details = [...new Set(gaps.flatMap(({ detail }) => (detail === null ? [] : [detail])))];
  for (const detail of details.slice(0, mostDetails)) writeOut(wrapped(visibleLine(detail), '  '));
  if (details.length > mostDetails)
    writeOut(`  and ${counted(details.length - mostDetails, 'other cause')}\n`);
}

const mostDetails = 3;

/** Widest list of names. */
const widestNames = 22;

/** Names as far as they fit, and how many more there are. */
function someOf(names: readonly string[]): string {
  for (let shown = names.length; shown > 0; shown--) {
    const more = shown < names.length ? ` +${names.length - shown}` : '';
    const text = `${names.slice(0, shown).join(', ')}${more}`;
    if (text.length <= widestNames) return text;
  }
  return names.length === 1 ? (names[0] ?? '') : count(names.length);
}
