import { Argument, Command, InvalidArgumentError } from 'commander';
import { type Granularity, granularities, isGranularity, isToken, type Token } from '../catalog/index.ts';
import { readDesiredScope } from '../store/ledger/desired-scope.ts';
import { requireKnownTokens } from '../store/ledger/scope.ts';
import type { NextStep } from '../store/reports/next.ts';
import { type Cell, type CellStory, momentsOf, readStory } from '../store/reports/why.ts';
import { visibleLine } from '../terminal.ts';
import { chosenMetrics, parseInstant } from './options.ts';
import { printJson, writeOut } from './output.ts';
import { type CommandContext, runCommand } from './run.ts';
import { iso, type Times, timesIn, wrapped } from './times.ts';

interface WhyOptions {
  readonly utc?: true;
  readonly json?: true;
}

export const whyCommand = new Command('why')
  .addArgument(new Argument('<token>', 'such as BTC').argParser(parseToken))
  .addArgument(
    new Argument('<granularity>', `one of ${granularities.join(', ')}`).argParser(parseGranularity),
  )
  .addArgument(
    new Argument('<window>', 'any instant within it; Beijing time unless it names a zone').argParser(
      parseInstant,
    ),
  )
  .argument('[metric]', 'by code or name (default: all)')
  .option('--utc', 'print times in UTC (default: Beijing)')
  .option('--json', 'print the result as JSON')
  // So that a window may be said from now, as -7d; a misspelt option is told as a metric that there is not.
  .allowUnknownOption()
  .addHelpText('after', "\nExample: cryptoracle why BTC 1h '2026-11-25 14:00' mention_count")
  .action(
    (
      token: Token,
      granularity: Granularity,
      instant: number,
      metric: string | undefined,
      options: WhyOptions,
    ) => runCommand((context) => why({ token, granularity, instant, metric }, options, context)),
  );

function parseToken(text: string): Token {
  if (!isToken(text)) throw new InvalidArgumentError(`'${text}' is no token.`);
  return text;
}

function parseGranularity(text: string): Granularity {
  if (isGranularity(text)) return text;
  throw new InvalidArgumentError(`Unknown granularity '${text}'; there are ${granularities.join(', ')}.`);
}

interface Asked {
  readonly token: Token;
  readonly granularity: Granularity;
  readonly instant: number;
  readonly metric: string | undefined;
}

async function why(asked: Asked, options: WhyOptions, { runtime }: CommandContext): Promise<number> {
  const { settings, clock } = runtime;
  const named =
    asked.metric === undefined ? undefined : chosenMetrics([asked.metric], settings.catalogue, 'METRIC');
  const database = await runtime.openExistingDatabase();
  await requireKnownTokens(database, [asked.token], 'TOKEN');
  const desired = await readDesiredScope(database, settings);
  const { lookbackWindows } = settings;
  const metrics = named ?? desired.metrics;
  const now = clock.now();
  const story = await readStory(database, { ...asked, metrics }, { ...desired, lookbackWindows }, now);
  if (options.json === true) printJson(toJson(story));
  else print(story, timesIn(options.utc));
  return 0;
}

function toJson(story: CellStory): object {
  return {
    ...story,
    window: { from: iso(story.window.start), to: iso(story.window.end) },
    dueAt: iso(story.dueAt),
    firstSeenAt: iso(story.firstSeenAt),
    cells: story.cells.map((cell) => ({ ...cell, knownSince: iso(cell.knownSince) })),
    calls: story.calls.map((call) => ({ ...call, sentAt: iso(call.sentAt) })),
    revisions: story.revisions.map((each) => ({ ...each, revisedAt: iso(each.revisedAt) })),
    quarantine: story.quarantine.map((each) => ({
      ...each,
      firstSeenAt: iso(each.firstSeenAt),
      resolvedAt: iso(each.resolvedAt),
    })),
    notes: story.notes.map((each) => ({ ...each, notedAt: iso(each.notedAt) })),
    events: story.events.map((event) => ({ ...event, at: iso(event.at), until: iso(event.until) })),
    next: story.next.map((step) => ({ ...step, at: iso(step.at) })),
  };
}

const indent = '                     ';

function print(story: CellStory, times: Times): void {
  const { token, granularity, window, cells } = story;
  const nameOf = (code: string) => cells.find(({ metric }) => metric === code)?.column ?? code;
  const what = cells.length === 1 ? (cells[0]?.column ?? '') : `${cells.length} metrics`;
  const range = `${times.minute(window.start)} to ${times.minute(window.end).slice(11)} (${times.zone})`;
  writeOut(wrapped(`${token} ${granularity} ${range}: ${what}`, ''));
  writeOut(
    statesOf(cells)
      .map((line) => wrapped(visibleLine(line), '  '))
      .join(''),
  );
  writeOut('\n');
  for (const { at, what: head, detail } of momentsOf(story, nameOf)) {
    const line = visibleLine(detail === '' ? head : `${head}: ${detail}`);
    writeOut(`${times.second(at)}  ${wrapped(line, indent).slice(indent.length)}`);
  }
  writeOut('\n');
  for (const step of story.next)
    writeOut(wrapped(visibleLine(`next: ${sentence(step, story, nameOf, times)}`), ''));
}

function sentence(
  { what, at, metrics }: NextStep,
  story: CellStory,
  nameOf: (code: string) => string,
  times: Times,
) {
  const when = at === undefined ? '' : `, ${times.second(at)}`;
  const about = metrics.length === story.cells.length ? '' : ` (${metrics.map(nameOf).join(', ')})`;
  return `${what}${when}${about}`;
}

/** A line for each value, and one for all cells that lack one for the same reason. */
function statesOf(cells: readonly Cell[]): string[] {
  const missing = new Map<string, string[]>();
  const lines: string[] = [];
  for (const { column, value, reason, detail, unwanted } of cells) {
    if (value !== null) {
      lines.push(`${column} = ${value}`);
      continue;
    }
    const state = reason === null ? 'not there yet' : detail === null ? reason : `${reason}: ${detail}`;
    const key = unwanted === null ? state : 'not wanted';
    missing.set(key, [...(missing.get(key) ?? []), column]);
  }
  return [
    ...lines,
    ...[...missing].map(([state, columns]) => `no value of ${columns.join(', ')} (${state})`),
  ];
}
