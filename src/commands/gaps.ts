import { Command, InvalidArgumentError } from 'commander';
import type { Granularity, Token } from '../catalog/index.ts';
import { UserError } from '../errors.ts';
import { isEmpty } from '../planning/interval.ts';
import { type WantedWindows, wantedWindows } from '../planning/plan.ts';
import { windowCount } from '../planning/windows.ts';
import { readDesiredScope } from '../store/ledger/desired-scope.ts';
import { noticeDropped } from '../store/ledger/dropped.ts';
import { readDayStart } from '../store/ledger/facts.ts';
import { requireKnownTokens } from '../store/ledger/scope.ts';
import { readListedTokens } from '../store/ledger/tokens.ts';
import {
  type GapReason,
  gapReasons,
  openReasons,
  type ReportedGap,
  readReportedGaps,
} from '../store/reports/gaps.ts';
import { chosenMetrics, type NamedMetrics, parseInstant, parseItems, withScopeOptions } from './options.ts';
import { beijing, count, counted, printJson, printTable, writeOut } from './output.ts';
import { type CommandContext, runCommand } from './run.ts';

interface GapsOptions {
  readonly from?: number;
  readonly to?: number;
  readonly granularity?: readonly Granularity[];
  readonly token?: readonly Token[] | 'all';
  readonly metric?: NamedMetrics;
  readonly reason?: readonly GapReason[];
  readonly all?: true;
  readonly json?: true;
}

export const gapsCommand = withScopeOptions(
  new Command('gaps')
    .option('--from <date>', 'first day or instant (default: HISTORY_START)', parseInstant)
    .option('--to <date>', 'end of the range, not included (default: now)', parseInstant),
)
  .option('--reason <list>', 'which reasons, by the words below (default: the first six)', parseReasons)
  .option('--all', 'every reason: also what the API does not have')
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
  if (options.from !== undefined && options.to !== undefined && options.from >= options.to) {
    throw new UserError('--from must lie before --to');
  }
  if (options.all === true && options.reason !== undefined) {
    throw new UserError('--all and --reason exclude each other');
  }
  const named = options.metric && chosenMetrics(options.metric, runtime.settings.catalogue);
  const database = await runtime.openExistingDatabase(4);
  await noticeDropped(database, clock.now(), { refetch: runtime.settings.refetchDropped });
  const desired = await readDesiredScope(database, runtime.settings);
  const chosen = options.token ?? desired.tokens;
  await requireKnownTokens(database, chosen, options.token === undefined ? 'TOKENS' : '--token');
  const tokens = chosen === 'all' ? await readListedTokens(database) : chosen;
  const metrics = named ?? desired.metrics;
  const range = { start: options.from ?? desired.historyStart, end: options.to ?? clock.now() };
  const granularities = options.granularity ?? desired.granularities;
  const wanted = wantedWindows(
    range,
    granularities,
    clock.now(),
    desired.settleDelay,
    await readDayStart(database),
    desired.keep,
  );
  const reasons = options.all === true ? gapReasons : (options.reason ?? openReasons);

  const found: ReportedGap[] = [];
  for (const [granularity, interval] of wanted) {
    const cells = { granularity, tokens, metrics, interval, apiVersion: desired.apiVersion };
    found.push(...(await readReportedGaps(database, cells, reasons, clock.now())));
  }
  if (options.json === true) printJson(found.map(toJson));
  else print(found, wanted, database.catalogue.codes.length);
  return 0;
}

const windowsOf = ({ granularity, interval }: ReportedGap) => windowCount(granularity, interval);
const valuesOf = (gap: ReportedGap) => windowsOf(gap) * gap.tokens.length * gap.metrics.length;

function toJson(gap: ReportedGap): object {
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
  };
}

const mostLines = 40;

/** Characters that the other columns take, and those that the longest reason needs without its detail. */
const otherColumns = 54;
const reasonAlone = 26;

/** Width of what is not printed to a terminal. */
const defaultWidth = 120;

function print(found: readonly ReportedGap[], wanted: WantedWindows, allMetrics: number): void {
  const intervals = [...wanted.values()].filter((interval) => !isEmpty(interval));
  if (intervals.length === 0) {
    writeOut('no gaps: no window of this range is due yet\n');
    return;
  }
  const from = beijing(Math.min(...intervals.map(({ start }) => start)));
  const range = `from ${from} to ${beijing(Math.max(...intervals.map(({ end }) => end)))} (Beijing)`;
  if (found.length === 0) {
    writeOut(`no gaps ${range}\n`);
    return;
  }
  const width = Math.max(reasonAlone, (process.stdout.columns ?? defaultWidth) - otherColumns);
  const name = (names: readonly string[], all: number) =>
    names.length === 1 ? (names[0] ?? '') : names.length === all ? 'all' : String(names.length);
  printTable(
    ['', 'from (Beijing)', 'windows', 'tokens', 'metrics', 'reason'],
    found
      .slice(0, mostLines)
      .map((gap) => [
        gap.granularity,
        beijing(gap.interval.start),
        count(windowsOf(gap)),
        name(gap.tokens, 0),
        name(gap.metrics, allMetrics),
        (gap.detail === null ? gap.reason : `${gap.reason}: ${gap.detail}`).slice(0, width),
      ]),
  );
  const values = found.reduce((sum, gap) => sum + valuesOf(gap), 0);
  const more = found.length > mostLines ? `${found.length - mostLines} more gaps; --json lists all\n` : '';
  writeOut(`${more}${counted(values, 'value')} missing in ${counted(found.length, 'gap')}\n${range}\n`);
}
