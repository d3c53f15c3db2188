import { Command, Help } from 'commander';
import { describeUnread } from '../../config/unread.ts';
import { readSettings, unreadSettings } from '../../config.ts';
import { reserveOf } from '../../planning/budget.ts';
import { readDailyNeed } from '../../store/ledger/daily-need.ts';
import { describeDoubt, readDoubtedList } from '../../store/ledger/doubted-lists.ts';
import { requireKnownTokens } from '../../store/ledger/scope.ts';
import { readListedTokens } from '../../store/ledger/tokens.ts';
import { type Rate, readPipelineRate } from '../../store/limits/pipeline-rate.ts';
import { readSentToday } from '../../store/limits/rate-limiter.ts';
import { parsePositive } from '../options.ts';
import { count, printJson, writeOut } from '../output.ts';
import { type CommandContext, runCommand } from '../run.ts';
import type { Runtime } from '../runtime.ts';
import { type Times, timesIn, utcOption } from '../times.ts';
import { checkApi } from './api.ts';
import type { CalibrateOptions } from './calibrate.ts';
import { checkDatabase, type FoundDatabase } from './database.ts';
import { listFacts } from './facts.ts';
import { type Finding, failed, failedWith, ok, skipped, warning } from './finding.ts';

interface DoctorOptions extends CalibrateOptions {
  readonly calibrate?: true;
  readonly utc?: true;
}

export const doctorCommand = new Command('doctor')
  .option(...utcOption)
  .option('--json', 'print the result as JSON')
  .option('--calibrate', 'find out how the API is spoken, and what its pages leave open')
  .option('--write', 'with --calibrate: put what was found into .env')
  .option('--max-calls <n>', 'with --calibrate: most calls to the API', parsePositive, 60)
  .addHelpText(
    'after',
    '\nSends one call to the API; with --calibrate, up to --max-calls.\nExit code 1: something has to be mended; 75: it may pass by itself.',
  )
  .action(async ({ json, calibrate, utc, ...options }: DoctorOptions) => {
    const wrong = settingsMistake();
    if (wrong === undefined && calibrate === true) {
      const { runCalibration } = await import('./calibrate.ts');
      return runCommand((context) => runCalibration(context, { ...options, ...(json && { json }) }));
    }
    if (wrong === undefined)
      return runCommand((context) => report(examine(context, timesIn(utc)), json === true));
    process.exitCode = await report(wrong, json === true);
  });

/** Without settings nothing else can be checked. */
function settingsMistake(): Finding[] | undefined {
  try {
    readSettings();
    return undefined;
  } catch (error) {
    return [failedWith('settings', error)];
  }
}

async function* examine(context: CommandContext, times: Times): AsyncGenerator<Finding> {
  const { runtime } = context;
  yield describeSettings(runtime);
  yield describeCatalogue(runtime);
  const found = yield* checkDatabase(runtime);
  yield await checkTokens(runtime, found, times);
  const { checkQueue } = await import('./queue.ts');
  yield await checkQueue(runtime, found);
  yield* checkApi(context, found, times);
  yield* listFacts(runtime.settings, found, times);
  yield* checkBudget(runtime, found);
}

function describeSettings({ settings }: Runtime): Finding {
  const { tokens, metrics, granularities } = settings;
  const unread = unreadSettings();
  if (unread.length > 0) {
    return warning('settings', unread.map(describeUnread).join('; '), '.env.example names all settings');
  }
  return ok(
    'settings',
    `${tokens === 'all' ? 'all' : count(tokens.length)} tokens, ${metrics.length} metrics, ${granularities.join()}`,
  );
}

/** The metrics that there are beside the bundled ones, and those that are wanted in vain. */
function describeCatalogue({
  settings: { catalogue, catalogueFile, metrics, apiVersion },
}: Runtime): Finding {
  const own = catalogue.metrics.filter(({ origin }) => origin === 'user');
  const sent = own.map(({ code, column }) => `${column} (${code})`).join(', ');
  const parts = [
    `${catalogue.metrics.length - own.length} bundled metrics`,
    ...(catalogueFile === undefined
      ? []
      : [`${own.length} of ${catalogueFile}${own.length > 0 ? `: ${sent}` : ''}`]),
  ];
  const unserved = catalogue.unserved(metrics);
  const message = `${parts.join(', ')}; ${apiVersion} has ${metrics.length - unserved.length} of those wanted`;
  if (unserved.length < metrics.length) return ok('metrics', message);
  return failed('metrics', message, 'choose others in METRICS, or another CRYPTORACLE_API_VERSION');
}

/** Whether the chosen tokens are known; a new one the API may know all the same. */
async function checkTokens(
  { settings }: Runtime,
  { database, isCurrent }: FoundDatabase,
  times: Times,
): Promise<Finding> {
  if (database === undefined || !isCurrent) return skipped('tokens', 'the schema comes first');
  try {
    const { tokens, extraTokens } = settings;
    const listed = tokens === 'all' ? tokens : tokens.filter((token) => !extraTokens.includes(token));
    await requireKnownTokens(database, listed, 'TOKENS');
    const doubted = await readDoubtedList(database);
    if (doubted !== undefined) {
      return warning(
        'tokens',
        `${describeDoubt(doubted)}; that is not believed before it has said so for an hour, since ${times.second(doubted.since)} (${times.zone})`,
        'wait, or ask the vendor: all tokens that were listed stay in use until then',
      );
    }
    return ok(
      'tokens',
      `${count((await readListedTokens(database)).length)} are listed, all of TOKENS among them`,
    );
  } catch (error) {
    return {
      ...failedWith('tokens', error),
      state: 'warning',
      remedy: 'unless it is new: the API is asked for its list at every start',
    };
  }
}

/**
 * Whether the newest windows can be had with the calls that a day may have: the pipeline's where one has started, which
 * may have other settings than this shell.
 */
async function* checkBudget(
  runtime: Runtime,
  { database, isCurrent }: FoundDatabase,
): AsyncGenerator<Finding> {
  const here = runtime.settings;
  if (database === undefined || !isCurrent) {
    yield skipped('rate', 'the schema comes first');
    yield skipped('budget', 'the schema comes first');
    return;
  }
  const pipeline = await readPipelineRate(database);
  yield compareRates(here, pipeline);
  const { requestsPerDay, requestsPerSecond } = pipeline ?? here;
  const need = await readDailyNeed(database, runtime.settings, runtime.clock.now());
  const sent = await readSentToday(database);
  const most = Math.min(requestsPerDay ?? Number.POSITIVE_INFINITY, requestsPerSecond * 86_400);
  const message =
    `the newest windows take ${count(need.live)} calls a day, the look-back ${count(need.lookback)}; ` +
    (requestsPerDay === undefined
      ? 'no daily budget is set'
      : `${count(Math.max(0, most - reserveOf('history', need)))} of ${count(most)} are left for history`) +
    `; ${count(sent)} sent today`;
  const isEnough = most >= reserveOf('history', need);
  const remedy =
    'raise REQUESTS_PER_DAY or REQUESTS_PER_SECOND, or choose fewer GRANULARITIES, TOKENS or METRICS';
  yield isEnough ? ok('budget', message) : failed('budget', message, remedy);
}

const describeRate = ({ requestsPerDay, requestsPerSecond }: Rate) =>
  `${requestsPerSecond} requests/s${requestsPerDay === undefined ? '' : ` and ${count(requestsPerDay)} a day`}`;

/** Each process keeps to its own settings, so a command with others sends more calls, or fewer, than the pipeline may. */
function compareRates(here: Rate, pipeline: Rate | undefined): Finding {
  if (pipeline === undefined) return ok('rate', `${describeRate(here)}; no pipeline has started yet`);
  const isSame =
    pipeline.requestsPerSecond === here.requestsPerSecond && pipeline.requestsPerDay === here.requestsPerDay;
  if (isSame) return ok('rate', `${describeRate(pipeline)}, the pipeline's as well as here`);
  return warning(
    'rate',
    `the pipeline was started with ${describeRate(pipeline)}; here the settings say ${describeRate(here)}`,
    'set REQUESTS_PER_SECOND and REQUESTS_PER_DAY to the same everywhere, then restart the pipeline',
  );
}

const words: Readonly<Record<Finding['state'], string>> = {
  ok: 'ok',
  warning: 'warning',
  failed: 'FAILED',
  skipped: '-',
};

/** Blanks as wide as the columns left of a message. */
const margin = ' '.repeat(22);

/** Keeps a message beside its check where a terminal is too narrow for it. */
function beside(message: string): string {
  const { columns } = process.stdout;
  const wrapped = columns === undefined ? message : new Help().boxWrap(message, columns - margin.length);
  return wrapped.replaceAll('\n', `\n${margin}`);
}

/** Shows each finding as it comes. @returns the exit code */
async function report(findings: Iterable<Finding> | AsyncIterable<Finding>, json: boolean): Promise<number> {
  const all: Finding[] = [];
  for await (const finding of findings) {
    all.push(finding);
    if (json) continue;
    const { check, state, message, remedy } = finding;
    writeOut(`${words[state].padEnd(9)}${check.padEnd(13)}${beside(message)}\n`);
    if (remedy !== undefined) writeOut(`${margin}${beside(`-> ${remedy}`)}\n`);
  }
  if (json)
    printJson(all.map(({ check, state, message, remedy = null }) => ({ check, state, message, remedy })));
  const broken = all.filter(({ state }) => state === 'failed');
  if (broken.length === 0) return 0;
  return broken.every(({ mayPass }) => mayPass === true) ? 75 : 1;
}
