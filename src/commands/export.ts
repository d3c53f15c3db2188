import { createWriteStream } from 'node:fs';
import { realpath, rename, rm, stat } from 'node:fs/promises';
import { extname } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { getSystemErrorMap } from 'node:util';
import { Command, InvalidArgumentError, Option } from 'commander';
import { type Granularity, granularities, isGranularity, type Token } from '../catalog/index.ts';
import { innermost, TryLaterError, UserError } from '../errors.ts';
import type { Connection } from '../store/connection/connection.ts';
import type { Database } from '../store/connection/database.ts';
import { errorCode } from '../store/connection/errors.ts';
import { requireKnownTokens } from '../store/ledger/scope.ts';
import { readKnownTokens } from '../store/ledger/tokens.ts';
import {
  type ExportSelection,
  type ExportTally,
  exportColumns,
  readCsv,
  readRows,
} from '../store/reports/export.ts';
import { chosenMetrics, type NamedMetrics, parseInstant, parseMetrics, parseTokens } from './options.ts';
import { bytes, counted, writeErr } from './output.ts';
import { type CommandContext, runCommand } from './run.ts';
import { requireOrdered } from './selection.ts';

const formats = ['csv', 'parquet'] as const;
type Format = (typeof formats)[number];

interface ExportOptions {
  readonly granularity: Granularity;
  readonly from?: number;
  readonly to?: number;
  readonly token?: readonly Token[] | 'all';
  readonly metric?: NamedMetrics;
  readonly format?: Format;
  readonly output?: string;
  readonly force?: true;
}

export const exportCommand = new Command('export')
  .requiredOption('--granularity <g>', `one of ${granularities.join(', ')}`, parseGranularity)
  .option(
    '--from <date>',
    'first day or instant; Beijing time unless it names a zone (default: all)',
    parseInstant,
  )
  .option('--to <date>', 'end of the range, not included (default: all)', parseInstant)
  .option('--token <list>', 'which tokens (default: all)', parseTokens)
  .option('--metric <list>', 'which metrics, by code or name (default: all)', parseMetrics)
  .addOption(
    new Option('--format <format>', "default: what the file's name ends with, else csv").choices(formats),
  )
  .option('--output <file>', 'where to write it (default: CSV to stdout); appears once it is complete')
  .option('--force', 'replace the file where there is one')
  .addHelpText('after', '\nExample: cryptoracle export --granularity 1h --token BTC --output btc.parquet')
  .action((options: ExportOptions) => runCommand((context) => exportValues(options, context)));

function parseGranularity(text: string): Granularity {
  if (!isGranularity(text)) {
    throw new InvalidArgumentError(`Unknown granularity '${text}'; there are ${granularities.join(', ')}.`);
  }
  return text;
}

async function exportValues(options: ExportOptions, { runtime, signal }: CommandContext): Promise<number> {
  const { from, to, output } = options;
  requireOrdered(options);
  const format = options.format ?? formatOf(output);
  const promised = formats.find((each) => each === extensionOf(output));
  if (promised !== undefined && promised !== format) {
    throw new UserError(
      `--output: '${output}' would hold ${format}, as --format says; leave one of the two out`,
    );
  }
  if (format === 'parquet' && output === undefined) throw new UserError('--format parquet needs --output');
  if (output !== undefined) await requireFree(output, options.force === true);
  const metrics = chosenMetrics(options.metric ?? 'all', runtime.settings.catalogue);
  runtime.requireDatabase();
  // The schema is not checked: a login that may only read can export, too.
  const database = await runtime.connectDatabase(2);
  const chosen = options.token ?? 'all';
  const known = await readTokens(database);
  await requireKnownTokens(database, chosen, '--token');
  const selection: ExportSelection = {
    granularity: options.granularity,
    from,
    to,
    tokens: [...(chosen === 'all' ? known : chosen)].sort(),
    metrics,
    catalogue: database.catalogue,
  };
  const write = format === 'csv' ? writeCsv : writeParquet;
  const tally: ExportTally = { rows: 0, tokens: 0 };
  const started = performance.now();
  try {
    if (output === undefined) {
      const isWhole = await database.snapshot(signal, (connection) =>
        printCsv(connection, selection, tally, signal),
      );
      if (isWhole && tally.rows === 0) writeErr(`${describeRows(tally, selection)}\n`);
      if (isWhole) warnOfMistakes(tally);
      return 0;
    }
    await writeWhole(output, (file) =>
      database.snapshot(signal, (connection) => write(file, connection, selection, tally, signal)),
    );
  } catch (error) {
    if (signal.aborted) throw new TryLaterError('stopped; nothing was written', { cause: error });
    throw error;
  }
  const seconds = (performance.now() - started) / 1000;
  const { size } = await stat(output);
  writeErr(`${output}: ${describeRows(tally, selection)}, ${bytes(size)}, ${seconds.toFixed(1)} s\n`);
  if (format === 'csv') warnOfMistakes(tally);
  return 0;
}

/** Says what to do where every row of the CSV has a token that looks like something else. */
function warnOfMistakes({ mistakable }: ExportTally): void {
  if (mistakable === undefined) return;
  writeErr(
    `'${mistakable}' looks like a truth value, a number or nothing to readers that guess types: tell them that token is text ` +
      '(DuckDB: types={"token": "VARCHAR"}; R: colClasses = c(token = "character"); pandas: dtype={"token": str}, keep_default_na=False), ' +
      'or export Parquet\n',
  );
}

const extensionOf = (output: string | undefined) =>
  output === undefined ? '' : extname(output).slice(1).toLowerCase();

/** @throws UserError for a name that promises something else, such as .xlsx */
function formatOf(output: string | undefined): Format {
  const extension = extensionOf(output);
  if (extension === '') return 'csv';
  const format = formats.find((each) => each === extension);
  if (format !== undefined) return format;
  throw new UserError(`--output: '${output}' is neither .csv nor .parquet; name it so, or give --format`);
}

/** The system's words for a code, such as 'no such file or directory (ENOENT)'. */
function describeSystemError(error: Error): string {
  const known = 'errno' in error ? getSystemErrorMap().get(Number(error.errno)) : undefined;
  return known === undefined ? innermost(error) : `${known[1]} (${known[0]})`;
}

async function readTokens(database: Database): Promise<ReadonlySet<Token>> {
  try {
    return await readKnownTokens(database);
  } catch (error) {
    const noSuchTable = '42P01';
    if (errorCode(error) !== noSuchTable) throw error;
    throw new UserError(
      'DATABASE_URL: there is nothing to export; `migrate` and `start` or `backfill` fill the database',
    );
  }
}

/**
 * The file that a path means: what a link leads to, so that the link stays.
 * @throws UserError where a device, a pipe or a folder stands there, which a file would take the place of
 */
async function fileBehind(output: string): Promise<string> {
  const found = await stat(output).catch(() => undefined);
  if (found === undefined) return output;
  if (found.isFile()) return realpath(output);
  throw new UserError(
    `--output: '${output}' is there and is no file; leave --output out to print CSV, and redirect that`,
  );
}

/** @throws UserError where a file would be replaced without having been asked for */
async function requireFree(output: string, force: boolean): Promise<void> {
  const found = await stat(output).catch(() => undefined);
  if (force || found?.isFile() !== true) return;
  throw new UserError(`--output: '${output}' exists already; --force replaces it`);
}

/** Has a file written under another name and gives it its own once it is whole: there is never half a file. */
async function writeWhole(output: string, write: (file: string) => Promise<void>): Promise<void> {
  const target = await fileBehind(output);
  const unfinished = `${target}.unfinished-${process.pid}`;
  try {
    await write(unfinished);
    await rename(unfinished, target);
  } catch (error) {
    await rm(unfinished, { force: true });
    const isFileError = error instanceof Error && 'syscall' in error && 'path' in error;
    if (!isFileError) throw error;
    throw new UserError(`--output: cannot write '${output}': ${describeSystemError(error)}`, {
      cause: error,
    });
  }
}

/** Tells how much was written: a person who finds an empty file wants to know that there was nothing. */
function describeRows({ rows, tokens }: ExportTally, { granularity }: ExportSelection): string {
  return rows === 0
    ? `no rows: no ${granularity} windows of these tokens and this range are stored`
    : `${counted(rows, 'row')} of ${counted(tokens, 'token')}`;
}

/** @returns whether it was read to the end: a reader such as `head` has seen enough before */
async function printCsv(
  connection: Connection,
  selection: ExportSelection,
  tally: ExportTally,
  signal: AbortSignal,
): Promise<boolean> {
  try {
    await pipeline(readCsv(connection, selection, tally), process.stdout, { signal, end: false });
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EPIPE') return false;
    if (error instanceof Error && 'syscall' in error && error.syscall === 'write')
      throw new UserError(`cannot write to stdout: ${describeSystemError(error)}`, { cause: error });
    throw error;
  }
}

type Writing = (
  file: string,
  connection: Connection,
  selection: ExportSelection,
  tally: ExportTally,
  signal: AbortSignal,
) => Promise<void>;

const writeCsv: Writing = (file, connection, selection, tally, signal) =>
  pipeline(readCsv(connection, selection, tally), createWriteStream(file), { signal });

/** Rows that are in memory at a time; a reader skips groups of them by token and time. */
const rowGroupSize = 10_000;

/** Milliseconds of UTC, said in the way of today and in that of old readers. */
const instant = {
  type: 'INT64',
  converted_type: 'TIMESTAMP_MILLIS',
  logical_type: { type: 'TIMESTAMP', isAdjustedToUTC: true, unit: 'MILLIS' },
  repetition_type: 'OPTIONAL',
} as const;

const writeParquet: Writing = async (file, connection, selection, tally, signal) => {
  const columns = exportColumns(selection);
  const instants = columns.filter(({ type }) => type === 'TIMESTAMP').map(({ name }) => name);
  async function* rows() {
    for await (const row of readRows(connection, selection, tally)) {
      signal.throwIfAborted();
      yield row;
    }
  }
  const { fileWriter, parquetWriteRows, schemaFromColumnData } = await import('hyparquet-writer');
  await parquetWriteRows({
    writer: fileWriter(file),
    rows: rows(),
    columns: columns.map(({ name }) => ({ name })),
    // Given, since there may be no rows to tell it from.
    schema: schemaFromColumnData({
      columnData: columns.map(({ name, type }) =>
        instants.includes(name) ? { name, data: [] } : { name, type, data: [] },
      ),
      schemaOverrides: Object.fromEntries(instants.map((name) => [name, { name, ...instant }])),
    }),
    rowGroupSize,
    createdBy: 'cryptoracle-ingest',
  });
};
