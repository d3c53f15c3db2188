import { Command } from 'commander';
import type { Catalogue } from '../catalog/index.ts';
import type { Questions } from '../store/connection/reader.ts';
import { requireKnownTokens } from '../store/ledger/scope.ts';
import {
  type CellFilter,
  type Listed,
  type ListedNote,
  type ListedRevision,
  readNotes,
  readRevisions,
} from '../store/reports/cell-lists.ts';
import { visibleLine } from '../terminal.ts';
import { chosenMetrics, parsePositive } from './options.ts';
import { count, printJson, writeOut } from './output.ts';
import { type CommandContext, runCommand } from './run.ts';
import { requireOrdered, type SelectionOptions, withSelectionOptions } from './selection.ts';
import { iso, type Times, timesIn, utcOption, wrapped } from './times.ts';

/** The commands `revisions` and `notes`. */

interface ListOptions extends SelectionOptions {
  readonly limit: number;
  readonly utc?: true;
  readonly json?: true;
}

const linesByDefault = 40;

/** The name and the words of a list. */
interface List<T> {
  readonly name: string;
  readonly empty: string;
  readonly things: string;
  readonly read: (questions: Questions, filter: CellFilter, most: number) => Promise<Listed<T>>;
  readonly describe: (entry: T, times: Times) => string;
  /** When the entry was made. */
  readonly madeAt: (entry: T) => { readonly [name: string]: number };
}

function listCommand<T extends ListedNote | ListedRevision>(list: List<T>): Command {
  return withSelectionOptions(new Command(list.name), {
    from: 'windows that start then or later',
    to: 'windows that start before',
    granularity: 'only these of 15m,1h,4h,1d',
    token: 'only these tokens',
    metric: 'only these metrics, by code or name',
  })
    .option('--limit <n>', 'most entries, the newest', parsePositive, linesByDefault)
    .option(...utcOption)
    .option('--json', 'print the result as JSON')
    .action((options: ListOptions) => runCommand((context) => show(list, options, context)));
}

async function show<T extends ListedNote | ListedRevision>(
  list: List<T>,
  options: ListOptions,
  { runtime }: CommandContext,
): Promise<number> {
  const { from, to, granularity, token, metric, limit } = options;
  requireOrdered(options);
  const { catalogue } = runtime.settings;
  const metrics = metric === undefined || metric === 'all' ? undefined : chosenMetrics(metric, catalogue);
  const database = await runtime.openExistingDatabase();
  const tokens = token === 'all' ? undefined : token;
  if (tokens !== undefined) await requireKnownTokens(database, tokens, '--token');
  const filter = { granularities: granularity, tokens, metrics, from, to };
  const { entries, total } = await list.read(database, filter, limit);
  if (options.json === true) {
    const made = (entry: T) =>
      Object.fromEntries(Object.entries(list.madeAt(entry)).map(([name, at]) => [name, iso(at)]));
    printJson(entries.map((entry) => ({ ...entry, time: iso(entry.time), ...made(entry) })));
    return 0;
  }
  const times = timesIn(options.utc);
  for (const entry of entries) {
    const line = `${times.minute(entry.time)}  ${entry.granularity} ${entry.token} ${nameOf(catalogue, entry.metric)}`;
    writeOut(wrapped(visibleLine(`${line}: ${list.describe(entry, times)}`), '  ').slice(2));
  }
  const more = total > entries.length ? `; --limit ${total} lists all` : '';
  writeOut(
    total === 0 ? `${list.empty}\n` : `${count(total)} ${list.things} (times in ${times.zone})${more}\n`,
  );
  return 0;
}

const nameOf = (catalogue: Catalogue, code: string) => catalogue.find(code)?.column ?? code;

export const revisionsCommand = listCommand<ListedRevision>({
  name: 'revisions',
  empty: 'no value has changed',
  things: 'changed or came late',
  read: readRevisions,
  describe: ({ old, new: value, revisedAt }, times) =>
    `${old === null ? 'came late as' : `${old} became`} ${value}, ${times.minute(revisedAt)}`,
  madeAt: ({ revisedAt }) => ({ revisedAt }),
});

export const notesCommand = listCommand<ListedNote>({
  name: 'notes',
  empty: 'no value is in doubt',
  things: 'in doubt',
  read: readNotes,
  describe: ({ value, note, detail }) => `${value}, ${note} (${detail})`,
  madeAt: ({ notedAt }) => ({ notedAt }),
});
