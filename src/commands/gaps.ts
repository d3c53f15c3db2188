import { Command } from 'commander';
import { metrics as catalogue, type Granularity, type MetricCode, type Token } from '../catalog/index.ts';
import { UserError } from '../errors.ts';
import type { Gap } from '../planning/packing.ts';
import { wantedWindows } from '../planning/plan.ts';
import { windowCount } from '../planning/windows.ts';
import { readGaps } from '../store/coverage.ts';
import type { Database } from '../store/database.ts';
import { readRefused } from '../store/entitlements.ts';
import { readLastFailure } from '../store/requests.ts';
import { readScope, requireKnownTokens } from '../store/scope.ts';
import { parseGranularities, parseInstant, parseMetrics, parseTokens } from './options.ts';
import { beijing, count, printJson, printTable } from './output.ts';
import { type CommandContext, runCommand } from './run.ts';

interface GapsOptions {
  readonly from?: number;
  readonly to?: number;
  readonly granularity?: readonly Granularity[];
  readonly token?: readonly Token[] | 'all';
  readonly metric?: readonly MetricCode[];
  readonly json?: true;
}

export const gapsCommand = new Command('gaps')
  .description('what is missing and why')
  .option('--from <date>', 'first day or instant (default: HISTORY_START)', parseInstant)
  .option('--to <date>', 'end of the range, not included (default: now)', parseInstant)
  .option('--granularity <list>', 'which of 15m,1h,4h,1d (default: GRANULARITIES)', parseGranularities)
  .option('--token <list>', 'which tokens (default: TOKENS)', parseTokens)
  .option('--metric <list>', 'which metrics, by code or name (default: METRICS)', parseMetrics)
  .option('--json', 'print the result as JSON')
  .action((options: GapsOptions) => runCommand((context) => gaps(options, context)));

interface ReportedGap {
  readonly granularity: Granularity;
  readonly from: number;
  readonly to: number;
  readonly windows: number;
  readonly tokens: readonly Token[];
  readonly metrics: readonly MetricCode[];
  readonly values: number;
  readonly reason: string;
}

async function gaps(options: GapsOptions, { runtime }: CommandContext): Promise<number> {
  const { settings, clock } = runtime;
  if (options.from !== undefined && options.to !== undefined && options.from >= options.to) {
    throw new UserError('--from must lie before --to');
  }
  const database = await runtime.openDatabase(4);
  const chosen = options.token ?? settings.tokens;
  await requireKnownTokens(database, chosen, options.token === undefined ? 'TOKENS' : '--token');
  const range = { start: options.from ?? settings.historyStart, end: options.to ?? clock.now() };
  const granularities = options.granularity ?? settings.granularities;
  const wanted = wantedWindows(range, granularities, clock.now(), settings.settleDelay);
  const metrics = options.metric ?? settings.metrics;
  const { tokens } = await readScope(database, { tokens: chosen, metrics, tags: [] }, clock.now());

  const found: ReportedGap[] = [];
  for (const [granularity, interval] of wanted) {
    const missing = await readGaps(database, { granularity, tokens, metrics, interval });
    for (const gap of missing) found.push(...(await explain(database, gap, clock.now())));
  }
  if (options.json === true) printJson(found.map(toJson));
  else print(found);
  return 0;
}

/** Tells a gap's parts apart by why they are missing. */
async function explain(database: Database, gap: Gap, now: number): Promise<ReportedGap[]> {
  const refused: ReadonlySet<string> = await readRefused(database, now);
  const report = (metrics: readonly MetricCode[], reason: string): ReportedGap[] => {
    const windows = windowCount(gap.granularity, gap.interval);
    const { granularity, tokens, interval } = gap;
    const values = windows * tokens.length * metrics.length;
    return metrics.length === 0
      ? []
      : [{ granularity, from: interval.start, to: interval.end, windows, tokens, metrics, values, reason }];
  };
  const asked = gap.metrics.filter((code) => !refused.has(code));
  const failure = await readLastFailure(database, { ...gap, metrics: asked });
  return [
    ...report(
      asked,
      failure === undefined ? 'not asked yet' : `failed: ${failure.message ?? failure.outcome}`,
    ),
    ...report(
      gap.metrics.filter((code) => refused.has(code)),
      'not entitled',
    ),
  ];
}

function toJson(gap: ReportedGap): object {
  return { ...gap, from: new Date(gap.from).toISOString(), to: new Date(gap.to).toISOString() };
}

const mostLines = 40;

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
        beijing(gap.from),
        beijing(gap.to),
        name(gap.tokens, 0),
        name(gap.metrics, catalogue.length),
        count(gap.values),
        gap.reason.slice(0, 60),
      ]),
  );
  const values = found.reduce((sum, gap) => sum + gap.values, 0);
  const more = found.length > mostLines ? ` (${found.length - mostLines} more; --json lists all)` : '';
  process.stdout.write(`${count(values)} values are missing in ${count(found.length)} gaps${more}\n`);
}
