import { Command } from 'commander';
import type { Granularity, Token } from '../catalog/index.ts';
import { UserError } from '../errors.ts';
import {
  countQuarantine,
  dismissEntries,
  type QuarantineEntry,
  type QuarantineFilter,
  readQuarantine,
} from '../store/answers/quarantine.ts';
import type { Database } from '../store/connection/database.ts';
import { readKnownTokens } from '../store/ledger/tokens.ts';
import { visibleLine } from '../terminal.ts';
import { parseGranularities, parsePositive, parseTokens } from './options.ts';
import { count, printJson, writeOut } from './output.ts';
import { type CommandContext, runCommand } from './run.ts';
import { type Times, timesIn, utcOption } from './times.ts';

interface FilterOptions {
  readonly granularity?: readonly Granularity[];
  readonly token?: readonly Token[] | 'all';
  readonly code?: string;
  readonly reason?: string;
  readonly json?: true;
}

interface ListOptions extends FilterOptions {
  readonly all?: true;
  readonly limit: number;
  readonly utc?: true;
}

const linesByDefault = 40;

/** A command of the group, with the options that all of them share. */
function subcommand(name: string): Command {
  return new Command(name)
    .option('--granularity <list>', 'only these of 15m,1h,4h,1d', parseGranularities)
    .option('--token <list>', 'only what names these tokens', parseTokens)
    .option('--code <list>', 'only what names these codes of metrics or tags')
    .option('--reason <text>', "only what was rejected for this reason, e.g. 'unknown metric'")
    .option('--json', 'print the result as JSON');
}

export const quarantineCommand = new Command('quarantine')
  .addCommand(
    subcommand('list')
      .description('list it: where it belongs, why it was not stored, its raw form')
      .option('--all', 'also what has been replayed, superseded or dismissed')
      .option('--limit <n>', 'most entries', parsePositive, linesByDefault)
      .option(...utcOption)
      .action((options: ListOptions) => runCommand((context) => list(options, context))),
  )
  .addCommand(
    subcommand('replay')
      .description(
        'read it again with this version of the program and store what can be; asks nothing of the API',
      )
      .action((options: FilterOptions) => runCommand((context) => replay(options, context))),
  )
  .addCommand(
    subcommand('dismiss')
      .description('take what matches off the list; it stays in the table, and is listed with --all')
      .action((options: FilterOptions) => runCommand((context) => dismiss(options, context))),
  );

function filterOf({ granularity, token, code, reason }: FilterOptions): QuarantineFilter {
  return {
    granularities: granularity,
    tokens: token === 'all' ? undefined : token,
    metrics: code?.split(',').map((each) => each.trim()),
    reason,
  };
}

/** Tokens that nobody knows may lie in quarantine. One that is known in another case was mistyped. */
async function requireCase(database: Database, tokens: FilterOptions['token']): Promise<void> {
  if (tokens === undefined || tokens === 'all') return;
  const known = [...(await readKnownTokens(database))];
  for (const token of tokens) {
    const same = known.find((each) => each.toLowerCase() === token.toLowerCase());
    if (same === undefined || known.includes(token)) continue;
    throw new UserError(`--token: unknown token '${token}' (did you mean ${same}?)`);
  }
}

async function list(options: ListOptions, { runtime }: CommandContext): Promise<number> {
  const database = await runtime.openExistingDatabase();
  await requireCase(database, options.token);
  const filter = { ...filterOf(options), resolved: options.all };
  const entries = await readQuarantine(database, filter, options.limit);
  if (options.json === true) {
    printJson(entries.map(toJson));
    return 0;
  }
  const counts = await countQuarantine(database, filter);
  if (counts.length === 0) {
    writeOut('nothing is in quarantine\n');
    return 0;
  }
  const times = timesIn(options.utc);
  writeOut(entries.map((entry) => describe(entry, times)).join(''));
  const total = counts.reduce((sum, each) => sum + each.entries, 0);
  const more = total > entries.length ? `; --limit ${total} lists all` : '';
  writeOut(
    `${count(total)} in quarantine: ${counts.map((each) => `${count(each.entries)} ${each.reason}`).join(', ')}${more}; times in ${times.zone}\n`,
  );
  return 0;
}

const screen = 80;

/** Two lines: where it belongs, its window's start included, and what is wrong with it; its raw form, as far as a line holds it. */
function describe(entry: QuarantineEntry, times: Times): string {
  const { id, granularity, time, token, metric, reason, resolution, timesSeen, raw } = entry;
  const where = [granularity, times.minute(time ?? undefined), token ?? '-', metric ?? '-'].join('  ');
  const notes = [
    ...(timesSeen > 1 ? [`${count(timesSeen)} times`] : []),
    ...(resolution === null ? [] : [resolution]),
  ];
  const line = `${String(id).padStart(5)}  ${where}  ${reason}${notes.length > 0 ? ` (${notes.join(', ')})` : ''}`;
  const shown = raw.length > screen - 7 ? `${raw.slice(0, screen - 8)}…` : raw;
  return `${visibleLine(line)}\n       ${visibleLine(shown)}\n`;
}

function toJson(entry: QuarantineEntry): object {
  const iso = (instant: number | null) => (instant === null ? null : new Date(instant).toISOString());
  const { request } = entry;
  return {
    ...entry,
    time: iso(entry.time),
    firstSeenAt: iso(entry.firstSeenAt),
    lastSeenAt: iso(entry.lastSeenAt),
    request:
      request === null
        ? null
        : { ...request, sentAt: iso(request.sentAt), from: iso(request.from), to: iso(request.to) },
  };
}

async function replay(options: FilterOptions, { runtime, signal }: CommandContext): Promise<number> {
  const database = await runtime.openExistingDatabase();
  await requireCase(database, options.token);
  const tally = await runtime.replay(database, filterOf(options), signal);
  if (options.json === true) printJson(tally);
  else {
    writeOut(
      `${count(tally.replayed)} replayed (${count(tally.values)} values), ` +
        `${count(tally.superseded)} superseded by later answers, ${count(tally.left)} still cannot be stored\n`,
    );
  }
  return 0;
}

async function dismiss(options: FilterOptions, { runtime }: CommandContext): Promise<number> {
  const filter = filterOf(options);
  if (Object.values(filter).every((each) => each === undefined)) {
    throw new UserError('say what to dismiss: --granularity, --token, --code or --reason');
  }
  const database = await runtime.openExistingDatabase();
  await requireCase(database, options.token);
  const dismissed = await dismissEntries(database, filter, runtime.clock.now());
  if (options.json === true) printJson({ dismissed });
  else writeOut(`${count(dismissed)} dismissed\n`);
  return 0;
}
