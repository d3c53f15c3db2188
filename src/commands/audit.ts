import { Command, InvalidArgumentError } from 'commander';
import { type Granularity, windowLength } from '../catalog/index.ts';
import { readDesiredScope } from '../store/ledger/desired-scope.ts';
import { type AgeClass, type Implied, impliedBy, readDrift } from '../store/reports/audit.ts';
import { parseGranularities, parseInstant } from './options.ts';
import { count, duration, printJson, printTable, writeOut } from './output.ts';
import { type CommandContext, runCommand } from './run.ts';
import { iso, timesIn, utcOption, wrapped } from './times.ts';

interface AuditOptions {
  readonly since?: number;
  readonly granularity?: readonly Granularity[];
  readonly tolerated: number;
  readonly utc?: true;
  readonly json?: true;
}

const day = 86_400_000;

export const auditCommand = new Command('audit')
  .option('--since <date>', 'calls since then (default: the last 90 days)', parseInstant)
  .option('--granularity <list>', 'which of 15m,1h,4h,1d (default: GRANULARITIES)', parseGranularities)
  .option('--tolerated <percent>', 'share of values that may change later', parsePercent, 0.001)
  .option(...utcOption)
  .option('--json', 'print the result as JSON')
  .addHelpText(
    'after',
    `
Values are compared wherever the look-back or the audit (AUDIT_REQUESTS_PER_DAY)
asked for them once more. Shares stand with their interval of 95 % (Wilson).
--tolerated is 0.1 (percent) by default.`,
  )
  .action((options: AuditOptions) => runCommand((context) => audit(options, context)));

function parsePercent(text: string): number {
  const number = Number(text.trim().replace(/%$/, ''));
  if (text.trim() === '' || !(number > 0 && number < 100)) {
    throw new InvalidArgumentError(`'${text}' is no share in percent such as 0.1.`);
  }
  return number / 100;
}

interface Drift {
  readonly granularity: Granularity;
  readonly classes: readonly AgeClass[];
  readonly implied: Implied;
}

async function audit(options: AuditOptions, { runtime }: CommandContext): Promise<number> {
  const { settings, clock } = runtime;
  const database = await runtime.openExistingDatabase();
  const desired = await readDesiredScope(database, settings);
  const since = options.since ?? clock.now() - 90 * day;
  const { settleDelay, lookbackWindows = settings.lookbackWindows } = desired;
  const drifts: Drift[] = [];
  for (const granularity of options.granularity ?? desired.granularities) {
    const classes = await readDrift(database, granularity, settleDelay, since);
    drifts.push({ granularity, classes, implied: impliedBy(classes, settleDelay, options.tolerated) });
  }
  const overall = together(drifts);
  if (options.json === true) {
    printJson(toJson(drifts, overall, { ...options, since, settleDelay, lookbackWindows }));
    return 0;
  }
  print(drifts);
  const { second, zone } = timesIn(options.utc);
  writeOut(
    wrapped(
      `calls since ${second(since)} (${zone}); fewer than ${percent(options.tolerated)} may change`,
      '',
    ),
  );
  const { auditRequestsPerDay } = settings;
  writeOut(`AUDIT_REQUESTS_PER_DAY is ${auditRequestsPerDay === 0 ? '0: no audit' : auditRequestsPerDay}\n`);
  writeOut(wrapped(describe(overall, { settleDelay, lookbackWindows }), ''));
  return 0;
}

/** The settings hold for all granularities: the longest look-back, and the shortest delay that any of them shows to suffice. */
function together(drifts: readonly Drift[]): Implied {
  const implied = drifts.map((each) => each.implied).filter((each) => each.lookbackWindows !== undefined);
  if (implied.length === 0) return { lookbackWindows: undefined, settleDelay: undefined, isSure: false };
  return {
    lookbackWindows: Math.max(...implied.map((each) => each.lookbackWindows ?? 0)),
    settleDelay: Math.min(...implied.map((each) => each.settleDelay ?? Number.POSITIVE_INFINITY)),
    isSure: implied.every((each) => each.isSure),
  };
}

function toJson(
  drifts: readonly Drift[],
  overall: Implied,
  asked: { since: number; tolerated: number; settleDelay: number; lookbackWindows: number },
): object {
  const impliedJson = ({ lookbackWindows, settleDelay, isSure }: Implied) => ({
    lookbackWindows: lookbackWindows ?? null,
    settleDelaySeconds: settleDelay === undefined ? null : settleDelay / 1000,
    isSure,
  });
  return {
    ...{ since: iso(asked.since), tolerated: asked.tolerated },
    settings: { lookbackWindows: asked.lookbackWindows, settleDelaySeconds: asked.settleDelay / 1000 },
    implied: impliedJson(overall),
    granularities: drifts.map(({ granularity, classes, implied }) => ({
      granularity,
      implied: impliedJson(implied),
      classes: classes.map(({ from, to, windowsLater, ...rest }) => ({
        ...rest,
        windowsLater: windowsLater ?? null,
        fromSeconds: from / 1000,
        toSeconds: Number.isFinite(to) ? to / 1000 : null,
      })),
    })),
  };
}

/** Enough digits to tell small shares apart. */
const percent = (rate: number) => `${(rate * 100).toFixed(rate < 0.1 ? 3 : 1)}%`;

function ageOf({ granularity, windowsLater, from, to }: AgeClass): string {
  const age = (milliseconds: number) => duration(milliseconds / 1000);
  if (windowsLater === 0) return `less than ${age(windowLength[granularity])}`;
  if (windowsLater !== undefined) return age(from);
  return Number.isFinite(to) ? `${age(from)} to ${age(to)}` : `${age(from)} and more`;
}

function print(drifts: readonly Drift[]): void {
  const classes = drifts.flatMap((each) => each.classes);
  if (classes.length === 0) {
    writeOut('nothing was asked for once more yet\n');
    return;
  }
  printTable(
    ['', 'after it was due', 'compared', 'changed', 'share', 'low', 'high', 'late'],
    classes.map((each) => [
      ...[each.granularity, ageOf(each), count(each.compared), count(each.changed)],
      ...[percent(each.rate), percent(each.low), percent(each.high), count(each.late)],
    ]),
  );
  writeOut('\n');
}

function describe(
  { lookbackWindows, settleDelay, isSure }: Implied,
  now: { readonly settleDelay: number; readonly lookbackWindows: number },
): string {
  if (lookbackWindows === undefined || settleDelay === undefined) return 'no settings follow from that yet';
  const windows =
    lookbackWindows === now.lookbackWindows
      ? `LOOKBACK_WINDOWS=${lookbackWindows} is right`
      : `LOOKBACK_WINDOWS=${lookbackWindows} would suffice (here ${now.lookbackWindows})`;
  const delay =
    settleDelay === now.settleDelay
      ? `SETTLE_DELAY=${settleDelay / 60_000}m is long enough`
      : `SETTLE_DELAY=${settleDelay / 60_000}m would make first values final (here ${now.settleDelay / 60_000}m)`;
  const doubt = isSure ? '' : '; too little was compared of some ages to be sure';
  return `${lookbackWindows > now.lookbackWindows ? windows.replace('would suffice', 'is needed') : windows}, ${delay}${doubt}`;
}
