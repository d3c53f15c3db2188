import { Command, InvalidArgumentError } from 'commander';
import { metrics as catalogue, type Granularity, type MetricCode, type Token } from '../catalog/index.ts';
import { UserError } from '../errors.ts';
import { wantedWindows } from '../planning/plan.ts';
import { windowCount } from '../planning/windows.ts';
import {
  type GapReason,
  gapReasons,
  openReasons,
  type ReportedGap,
  readReportedGaps,
} from '../store/gaps.ts';
import { requireKnownTokens } from '../store/scope.ts';
import { readListedTokens } from '../store/tokens.ts';
import { parseInstant, parseItems, withScopeOptions } from './options.ts';
import { beijing, count, printJson, printTable } from './output.ts';
import { type CommandContext, runCommand } from './run.ts';

interface GapsOptions {
  readonly from?: number;
  readonly to?: number;
  readonly granularity?: readonly Granularity[];
  readonly token?: readonly Token[] | 'all';
  readonly metric?: readonly MetricCode[];
  readonly reason?: readonly GapReason[];
  readonly all?: true;
  readonly json?: true;
}

export const gapsCommand = withScopeOptions(
  new Command('gaps')
    .description('what is missing and why: what can still be had, or needs a person')
    .option('--from <date>', 'first day or instant (default: HISTORY_START)', parseInstant)
    .option('--to <date>', 'end of the range, not included (default: now)', parseInstant),
)
  .option('--reason <list>', `which reasons (default: ${openReasons.join(',')})`, parseReasons)
  .option('--all', 'every reason: also what the API does not have')
  .option('--json', 'print the result as JSON')
  .addHelpText('after', `\nReasons: ${gapReasons.map((reason) => `'${reason}'`).join(', ')}`)
  .action((options: GapsOptions) => runCommand((context) => gaps(options, context)));

function parseReasons(text: string): readonly GapReason[] {
  return parseItems(text, (item) => {
    const reason = gapReasons.find((each) => each === item);
    if (reason === undefined) {
      throw new InvalidArgumentError(`Unknown reason '${item}'; there are ${gapReasons.join(', ')}.`);
    }
    return reason;
  });
}

async function gaps(options: GapsOptions, { runtime }: CommandContext): Promise<number> {
  const { settings, clock } = runtime;
  if (options.from !== undefined && options.to !== undefined && options.from >= options.to) {
    throw new UserError('--from must lie before --to');
  }
  if (options.all === true && options.reason !== undefined) {
    throw new UserError('--all and --reason exclude each other');
  }
  const database = await runtime.openDatabase(4);
  const chosen = options.token ?? settings.tokens;
  await requireKnownTokens(database, chosen, options.token === undefined ? 'TOKENS' : '--token');
  const tokens = chosen === 'all' ? await readListedTokens(database) : chosen;
  const metrics = options.metric ?? settings.metrics;
  const range = { start: options.from ?? settings.historyStart, end: options.to ?? clock.now() };
  const granularities = options.granularity ?? settings.granularities;
  const wanted = wantedWindows(range, granularities, clock.now(), settings.settleDelay);
  const reasons = options.all === true ? gapReasons : (options.reason ?? openReasons);

  const found: ReportedGap[] = [];
  for (const [granularity, interval] of wanted) {
    const cells = { granularity, tokens, metrics, interval };
    found.push(...(await readReportedGaps(database, cells, reasons, clock.now())));
  }
  if (options.json === true) printJson(found.map(toJson));
  else print(found);
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

/** Longest reason with its detail in a line, in characters. */
const longestReason = 60;

function print(found: readonly ReportedGap[]): void {
  if (found.length === 0) {
    process.stdout.write('no gaps\n');
    return;
  }
  const name = (names: readonly string[], all: number) =>
    names.length === 1 ? (names[0] ?? '') : names.length === all ? 'all' : String(names.length);
  printTable(
    ['', 'from (Beijing)', 'to', 'tokens', 'metrics', 'values', 'reason'],
    found
      .slice(0, mostLines)
      .map((gap) => [
        gap.granularity,
        beijing(gap.interval.start),
        beijing(gap.interval.end),
        name(gap.tokens, 0),
        name(gap.metrics, catalogue.length),
        count(valuesOf(gap)),
        (gap.detail === null ? gap.reason : `${gap.reason}: ${gap.detail}`).slice(0, longestReason),
      ]),
  );
  const values = found.reduce((sum, gap) => sum + valuesOf(gap), 0);
  const more = found.length > mostLines ? ` (${found.length - mostLines} more; --json lists all)` : '';
  process.stdout.write(`${count(values)} values are missing in ${count(found.length)} gaps${more}\n`);
}
