import { Argument, Command, InvalidArgumentError } from 'commander';
import { type Granularity, granularities, isGranularity, isToken, type Token } from '../catalog/index.ts';
import { readDesiredScope } from '../store/ledger/desired-scope.ts';
import { requireKnownTokens } from '../store/ledger/scope.ts';
import type { NextStep } from '../store/reports/next.ts';
import { momentsOf, namesOf, statesOf, storyToJson } from '../store/reports/story.ts';
import { type CellStory, readStory } from '../store/reports/why.ts';
import { visibleLine } from '../terminal.ts';
import { chosenMetrics, parseInstant } from './options.ts';
import { printJson, writeOut } from './output.ts';
import { type CommandContext, runCommand } from './run.ts';
import { type Times, timesIn, utcOption, wrapped } from './times.ts';

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
  .option(...utcOption)
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
  if (options.json === true) printJson(storyToJson(story));
  else print(story, timesIn(options.utc));
  return 0;
}

const indent = '                     ';

function print(story: CellStory, times: Times): void {
  const { token, granularity, window, cells } = story;
  const nameOf = namesOf(story);
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
