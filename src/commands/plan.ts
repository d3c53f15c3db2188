import { Command } from 'commander';
import {
  type Change,
  changeOf,
  type Loss,
  type Outlook,
  type OutlookChange,
  readLosses,
  readOutlook,
} from '../backfill/outlook.ts';
import { formatBeijingDate } from '../beijing.ts';
import { isAnythingWanted, readDesiredScope } from '../store/ledger/desired-scope.ts';
import { findUnknownToken } from '../store/ledger/scope.ts';
import { visibleLine } from '../terminal.ts';
import { bytes, count, counted, duration, printJson, printTable, writeOut } from './output.ts';
import { type CommandContext, runCommand } from './run.ts';
import { iso, wrapped } from './times.ts';

export const planCommand = new Command('plan')
  .option('--json', 'print the result as JSON')
  .addHelpText(
    'after',
    `
Compares the settings here with what the pipeline was told to want, before it
starts with them. Nothing is changed, and nothing is asked of the API.

Calls a day are those for the newest windows and the look-back. Tags take one or
two more, and the audit AUDIT_REQUESTS_PER_DAY.`,
  )
  .action((options: { readonly json?: true }) => runCommand((context) => plan(options, context)));

async function plan(options: { readonly json?: true }, { runtime }: CommandContext): Promise<number> {
  const { settings } = runtime;
  const database = await runtime.openExistingDatabase(4);
  const context = runtime.backfill(database);
  const told = { ...settings, given: new Set<string>() };
  const before = (await isAnythingWanted(database))
    ? await readOutlook(await readDesiredScope(database, told), context)
    : undefined;
  const after = await readOutlook(settings, context, settings.extraTokens);
  const change = changeOf(before, after);
  const losses = await readLosses(after, context);
  if (options.json === true) printJson(toJson(before, after, change, losses));
  else {
    print(before, after, change, losses);
    const unknown = await findUnknownToken(database, settings.tokens);
    if (unknown !== undefined) {
      writeOut(
        wrapped(
          visibleLine(`TOKENS: the API has never listed '${unknown}'; \`start\` asks for its list`),
          '',
        ),
      );
    }
    const { requestsPerDay } = settings;
    if (requestsPerDay !== undefined && after.callsPerDay > requestsPerDay) {
      writeOut(
        wrapped(
          `REQUESTS_PER_DAY=${requestsPerDay} does not suffice for the newest windows: the look-back is cut first`,
          '',
        ),
      );
    }
  }
  return 0;
}

const sizes = (outlook: Outlook) => ({
  callsPerDay: outlook.callsPerDay,
  bytesPerYear: Math.round(outlook.bytesPerYear),
  compressedBytesPerYear: Math.round(outlook.compressedBytesPerYear),
  toFill: {
    ...outlook.toFill,
    seconds: outlook.toFill.seconds ?? null,
    bytes: Math.round(outlook.toFill.bytes),
  },
});

function toJson(
  before: Outlook | undefined,
  after: Outlook,
  change: OutlookChange,
  removes: readonly Loss[],
): object {
  const full = (outlook: Outlook) => ({
    granularities: outlook.granularities,
    tokens: outlook.tokens,
    metrics: outlook.metrics,
    historyStart: iso(outlook.historyStart),
    settleDelaySeconds: outlook.settleDelay / 1000,
    lookbackWindows: outlook.lookbackWindows,
    apiVersion: outlook.apiVersion,
    ...sizes(outlook),
  });
  return {
    summary: summaryOf(before, after, change),
    change: { ...change, bytesPerYear: Math.round(change.bytesPerYear) },
    before: before === undefined ? null : full(before),
    after: full(after),
    removes,
  };
}

const sign = (number: number, text: (size: number) => string) =>
  `${number < 0 ? '−' : '+'}${text(Math.abs(number))}`;

function describeChange<T>({ added, removed }: Change<T>, thing: string, things: string): string[] {
  const parts = [
    ...(added.length > 0 ? [[added.length, '+'] as const] : []),
    ...(removed.length > 0 ? [[removed.length, '−'] as const] : []),
  ];
  return parts.map(([number, mark]) => `${mark}${count(number)} ${number === 1 ? thing : things}`);
}

/** '+20 tokens, −2 metrics: +14 calls a day, +2.1 GB a year, 3 h to fill' */
function summaryOf(before: Outlook | undefined, after: Outlook, change: OutlookChange): string {
  const changes = [
    ...describeChange(change.tokens, 'token', 'tokens'),
    ...describeChange(change.metrics, 'metric', 'metrics'),
    ...describeChange(change.granularities, 'granularity', 'granularities'),
    ...change.settings.map((name) => `another ${name}`),
  ];
  const { requests, seconds } = after.toFill;
  const fill =
    requests === 0 ? 'nothing to fill' : `${seconds === undefined ? 'for ever' : duration(seconds)} to fill`;
  const effects = [
    `${sign(change.callsPerDay, count)} calls a day`,
    `${sign(change.bytesPerYear, bytes)} a year`,
    fill,
  ].join(', ');
  if (before === undefined) return `nothing was wanted yet, ${changes.join(', ')}: ${effects}`;
  return changes.length === 0 ? `nothing changes; ${fill}` : `${changes.join(', ')}: ${effects}`;
}

function print(
  before: Outlook | undefined,
  after: Outlook,
  change: OutlookChange,
  losses: readonly Loss[],
): void {
  writeOut(wrapped(visibleLine(summaryOf(before, after, change)), ''));
  writeOut('\n');
  const row = (name: string, of: (outlook: Outlook) => string) => [
    name,
    before === undefined ? '-' : of(before),
    of(after),
  ];
  printTable(
    ['', 'wanted now', 'with the settings here'],
    [
      row('tokens', ({ tokens }) => count(tokens.length)),
      row('metrics', ({ metrics }) => count(metrics.length)),
      row('granularities', ({ granularities }) => granularities.join()),
      row('from (Beijing)', ({ historyStart }) => formatBeijingDate(historyStart)),
      row('calls a day', ({ callsPerDay }) => count(callsPerDay)),
      row('disk a year', ({ bytesPerYear }) => bytes(bytesPerYear)),
      row('compressed', ({ compressedBytesPerYear }) => bytes(compressedBytesPerYear)),
      row('values to fill', ({ toFill }) => count(toFill.values)),
      row('calls for that', ({ toFill }) => count(toFill.requests)),
      row('time for that', ({ toFill }) =>
        toFill.seconds === undefined ? 'never' : duration(toFill.seconds),
      ),
    ],
  );
  for (const [thing, { added, removed }] of [
    ['tokens', change.tokens],
    ['metrics', change.metrics],
  ] as const) {
    if (before !== undefined && added.length > 0) writeOut(named(`new ${thing}`, added));
    if (removed.length > 0) writeOut(named(`${thing} no longer fetched; what is stored stays`, removed));
  }
  for (const { granularity, rows } of losses) {
    const keep = `KEEP_${granularity.toUpperCase()}`;
    writeOut(wrapped(`REMOVED by ${keep}: ${counted(rows, 'row')} of ${granularity}, for good`, ''));
  }
}

const mostNamed = 20;

function named(what: string, names: readonly string[]): string {
  const rest = names.length > mostNamed ? ` and ${names.length - mostNamed} more` : '';
  return wrapped(visibleLine(`${what}: ${names.slice(0, mostNamed).join(', ')}${rest}`), '');
}
