import { Command, InvalidArgumentError } from 'commander';
import { parseBeijing } from '../beijing.ts';
import type { Granularity, Token } from '../catalog/index.ts';
import type { Interval } from '../planning/interval.ts';
import { wantedWindows } from '../planning/plan.ts';
import { readDesiredScope } from '../store/ledger/desired-scope.ts';
import { readDayStart } from '../store/ledger/facts.ts';
import { requireKnownTokens } from '../store/ledger/scope.ts';
import { readListedTokens } from '../store/ledger/tokens.ts';
import {
  type CallScore,
  type GranularityScore,
  rateOf,
  readScorecard,
  type Scorecard,
  type Spread,
  timeWithin,
} from '../store/reports/scorecard.ts';
import type { Instant } from '../time.ts';
import { parseGranularities, parseTokens } from './options.ts';
import { count, duration, printJson, writeOut } from './output.ts';
import { type CommandContext, runCommand } from './run.ts';
import { iso, type Times, timesIn, utcOption } from './times.ts';

interface ScorecardOptions {
  readonly month?: string;
  readonly granularity?: readonly Granularity[];
  readonly token?: readonly Token[] | 'all';
  readonly utc?: true;
  readonly json?: true;
}

export const scorecardCommand = new Command('scorecard')
  .option('--month <month>', 'such as 2026-10, in Beijing (default: the last whole month)', parseMonth)
  .option('--granularity <list>', 'which of 15m,1h,4h,1d (default: GRANULARITIES)', parseGranularities)
  .option('--token <list>', 'which tokens (default: TOKENS)', parseTokens)
  .option(...utcOption)
  .option('--json', 'print the result as JSON (default: Markdown)')
  .action((options: ScorecardOptions) => runCommand((context) => scorecard(options, context)));

function parseMonth(text: string): string {
  if (/^\d{4}-\d{2}$/.test(text) && parseBeijing(`${text}-01`) !== undefined) return text;
  throw new InvalidArgumentError(`'${text}' is no month such as 2026-10.`);
}

/** The Beijing month that holds the instant, so many months later. */
function monthOf(instant: Instant, later: number): string {
  const date = new Date(instant + 8 * 3_600_000);
  return new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + later)).toISOString().slice(0, 7);
}

function rangeOf(month: string): Interval {
  const start = parseBeijing(`${month}-01`) ?? 0;
  return { start, end: parseBeijing(`${monthOf(start, 1)}-01`) ?? start };
}

async function scorecard(options: ScorecardOptions, { runtime }: CommandContext): Promise<number> {
  const now = runtime.clock.now();
  const month = options.month ?? monthOf(now, -1);
  const range = rangeOf(month);
  const database = await runtime.openExistingDatabase(4);
  const desired = await readDesiredScope(database, runtime.settings);
  const chosen = options.token ?? desired.tokens;
  await requireKnownTokens(database, chosen, options.token === undefined ? 'TOKENS' : '--token');
  const tokens = chosen === 'all' ? await readListedTokens(database) : chosen;
  const { settleDelay, apiVersion, keep, granularities } = desired;
  const metrics = database.catalogue.served(desired.metrics, apiVersion);
  const wanted = wantedWindows(
    range,
    options.granularity ?? granularities,
    now,
    settleDelay,
    await readDayStart(database),
    keep,
  );
  const scope = { tokens, metrics, apiVersion, settleDelay };
  const card = await readScorecard(database, scope, range, wanted, now);
  if (options.json === true) printJson(toJson(month, card, now));
  else writeOut(toMarkdown(month, card, settleDelay, timesIn(options.utc), now));
  return 0;
}

const emptyRate = ({ empty, values }: GranularityScore) => rateOf(empty, values + empty);
const revisedRate = ({ revised, values }: GranularityScore) => rateOf(revised, values);

function toJson(month: string, { range, granularities, calls, outages }: Scorecard, now: Instant): object {
  return {
    ...{ month, from: iso(range.start), to: iso(range.end) },
    granularities: granularities.map((score) => ({
      ...score,
      emptyRate: emptyRate(score),
      revisedRate: revisedRate(score),
      lateRate: rateOf(score.late, score.values),
    })),
    calls: { ...calls, answeredRate: rateOf(calls.answered, calls.sent) },
    outages: outages.map((event) => ({
      ...event,
      at: iso(event.at),
      until: iso(event.until),
      secondsInMonth: timeWithin(event, range, now) / 1000,
    })),
  };
}

/** A share in percent: enough digits to tell small ones apart. */
const share = (rate: number | null) =>
  rate === null ? '-' : rate === 0 ? '0 %' : `${(rate * 100).toFixed(rate < 0.01 ? 3 : 1)} %`;

const seconds = (value: number) => (value < 60 ? `${value.toFixed(1)} s` : duration(value));

const spread = (each: Spread | null) =>
  each === null ? ['-', '-', '-', '-'] : [each.median, each.p90, each.p99, each.longest].map(seconds);

const table = (head: readonly string[], rows: readonly (readonly string[])[]) =>
  [head, head.map((_, column) => (column === 0 ? '---' : '---:')), ...rows]
    .map((cells) => `| ${cells.join(' | ')} |\n`)
    .join('');

function toMarkdown(
  month: string,
  { range, granularities, calls, outages }: Scorecard,
  settleDelay: number,
  times: Times,
  now: Instant,
): string {
  const delays = granularities.map((each) => [each.granularity, count(each.observed), ...spread(each.delay)]);
  const values = granularities.map((score) => [
    ...[score.granularity, count(score.values), share(emptyRate(score)), share(revisedRate(score))],
    ...[share(rateOf(score.late, score.values)), count(score.quarantined)],
  ]);
  const partly = range.end > now ? ', which is not over' : '';
  return [
    `# Cryptoracle API, ${month}\n`,
    `Windows that start in the Beijing month ${month}${partly},\nand calls sent in it, from what is stored here.\n`,
    `## Delay\n\nFrom when a window was due (${duration(settleDelay / 1000)} after its close) until its\nfirst value was stored, where it was observed and not loaded as history.\n`,
    table(['', 'windows', 'median', '90 %', '99 %', 'longest'], delays),
    '## Values\n',
    table(['', 'values', 'empty', 'revised', 'came late', 'quarantined'], values),
    `## Calls\n\n${describeCalls(calls)}`,
    `## Outages\n\n${describeOutages(outages, range, times, now)}`,
  ].join('\n');
}

function describeCalls(calls: CallScore): string {
  if (calls.sent === 0) return 'No calls were sent.\n';
  const outcomes = Object.entries(calls.byOutcome).map(([outcome, number]) => `${count(number)} ${outcome}`);
  const [median, , p99] = spread(calls.answerTime);
  return [
    `- ${count(calls.sent)} calls, ${share(rateOf(calls.answered, calls.sent))} answered\n`,
    `- ${outcomes.join(', ')}\n`,
    `- answers took ${median} (median), ${p99} (99 %)\n`,
    `- errors in ${count(calls.minutesOfErrors)} of ${count(calls.minutes)} minutes with calls, no answer at all in\n  ${count(calls.minutesWithoutAnswer)} of them\n`,
  ].join('');
}

function describeOutages(outages: Scorecard['outages'], range: Interval, times: Times, now: Instant): string {
  if (outages.length === 0) return 'None was noticed.\n';
  const total = outages.reduce((sum, event) => sum + timeWithin(event, range, now), 0) / 1000;
  const lines = outages.map((event) => {
    const lasted = duration(timeWithin(event, range, now) / 1000);
    return `- ${times.minute(event.at)}, ${lasted}: ${event.message}\n`;
  });
  return `${duration(total)} in all (times in ${times.zone}).\n\n${lines.join('')}`;
}
