import { Command, InvalidArgumentError, Option } from 'commander';
import { fillGaps } from '../backfill/fill.ts';
import type { FillScope } from '../backfill/scope.ts';
import { summariseGaps, totalOf } from '../backfill/summary.ts';
import { beijingDay } from '../beijing.ts';
import { type ApiVersion, apiVersions } from '../catalog/index.ts';
import type { Settings } from '../config.ts';
import { TryLaterError } from '../errors.ts';
import { invocation, isCheckout } from '../package.ts';
import { wantedWindows } from '../planning/plan.ts';
import { newestDay, tagRequests } from '../planning/tags.ts';
import type { Watchdog } from '../queue/watchdog.ts';
import { sampleCredentials } from '../simulator/settings.ts';
import { runQualityChecks, tellChecks } from '../store/answers/quality/index.ts';
import type { Database } from '../store/connection/database.ts';
import { readGaps } from '../store/ledger/coverage.ts';
import { storeDesiredScope } from '../store/ledger/desired-scope.ts';
import { readDayStart } from '../store/ledger/facts.ts';
import { followRecords } from '../store/ledger/record-rules.ts';
import { readScope, type Scope } from '../store/ledger/scope.ts';
import { readTopMentions, type TopMention } from '../store/reports/top-mentions.ts';
import { parsePositive } from './options.ts';
import { beijing, count, printTable, showProgress, writeErr, writeOut } from './output.ts';
import { type CommandContext, runCommand } from './run.ts';
import { demoFolder } from './runtime.ts';

function parseDays(text: string): number {
  const days = parsePositive(text);
  if (days > 3650) throw new InvalidArgumentError('More than ten years are no demo.');
  return days;
}

const apiOption = new Option('--api <version>', 'version of the API that is simulated and spoken')
  .choices(apiVersions)
  .default('v1');

interface DemoOptions {
  readonly api: ApiVersion;
  readonly days: number;
  readonly exit?: true;
}

const day = 86_400_000;

export const demoCommand = new Command('demo')
  .option('--days <n>', 'days of history, up to 3650', parseDays, 7)
  .addOption(apiOption)
  .option('--exit', 'end when the history is there')
  .action((options: DemoOptions) =>
    runCommand(
      (context) => demo(options, context),
      (settings) => demoSettings(settings, options),
    ),
  );

/** The demo keeps to itself: its own folder, the embedded database and queue, the simulated API, no patience. */
function demoSettings(settings: Settings, { days, api }: DemoOptions): Settings {
  return {
    ...settings,
    databaseUrl: undefined,
    redisUrl: undefined,
    dataDir: demoFolder(settings.dataDir),
    apiVersion: api,
    credentials: sampleCredentials,
    historyStart: beijingDay(Date.now()) - days * day,
    requestsPerSecond: 1000,
  };
}

async function demo(options: DemoOptions, context: CommandContext): Promise<number> {
  const { runtime, signal } = context;
  const { apiVersion, wire, recordLimit, recordUnit, catalogue } = runtime.settings;
  // The simulator is loaded here, since --help does not need it.
  const { startSimulator } = await import('../simulator/index.ts');
  const simulator = await startSimulator({
    apiVersion,
    wire,
    market: { catalogue },
    behaviour: { recordLimit, recordUnit },
  });
  runtime.onClose('simulator', () => simulator.close());
  runtime.useApi(simulator.url);
  say('starting PostgreSQL and a simulated Cryptoracle API ...');
  const database = await runtime.openDatabase();
  await runtime.requireTokens(database, runtime.settings.tokens, 'TOKENS', signal);
  await storeDesiredScope(database, runtime.settings);
  const isEnding = options.exit === true;
  const page = isEnding ? undefined : await openPage(context, database);
  await fill(database, context);
  if (signal.aborted) return 0;

  printTopMentions(await readTopMentions(database, 8));
  printHints(database, runtime.settings.dataDir, isEnding);
  if (page === undefined) return 0;

  await page.goLive();
  say('live: new windows come in as they settle. Ctrl-C ends everything; the next start goes on from here.');
  writeOut(`\nOpen ${page.address} in a browser\n`);
  const { untilAborted } = await import('./pipeline.ts');
  await untilAborted(signal);
  say('ending ...');
  return 0;
}

/** Serves the page before the history is there, for it fills from the newest windows on. */
async function openPage(context: CommandContext, database: Database) {
  const { runtime } = context;
  const { openQueue, startPipeline } = await import('./pipeline.ts');
  const { serve } = await import('./serve.ts');
  const backend = await openQueue(runtime, database);
  let watchdog: Watchdog | undefined;
  const address = await serve(runtime, database, backend, () => watchdog?.stalls ?? []);
  say(`${address} shows what is there already, the newest windows first`);
  const goLive = async () => {
    watchdog = await startPipeline(context, database, backend, 'all');
  };
  return { address, goLive };
}

function say(line: string): void {
  writeErr(`${line}\n`);
}

/** Fetches what is missing of the history, and the tags. */
async function fill(database: Database, { runtime, signal }: CommandContext): Promise<void> {
  const { settings, clock } = runtime;
  const started = performance.now();
  const now = clock.now();
  const range = { start: settings.historyStart, end: now };
  const reread = async (): Promise<FillScope & Scope> => {
    const dayStart = await readDayStart(database);
    const wanted = wantedWindows(
      range,
      settings.granularities,
      now,
      settings.settleDelay,
      dayStart,
      settings.keep,
    );
    return { ...(await readScope(database, settings, now)), wanted, reread };
  };
  const scope = await reread();
  const packer = runtime.packer();
  const { limit, unit } = await followRecords(packer, database, settings);
  const missing = totalOf(await summariseGaps(database, scope, packer)).values;
  const ingestor = await runtime.ingestor(database);
  if (missing === 0) {
    say('the history is complete already: nothing to fetch');
    return;
  }
  const progress = showProgress('filling', missing);
  let done = 0;
  const result = await fillGaps({
    database,
    ingestor,
    packer,
    scope,
    clock,
    concurrency: settings.fetchConcurrency,
    signal,
    onProgress: (cells, { calls }, { granularity, interval: { start } }) => {
      done += cells;
      progress.update({ done, calls, granularity, from: start });
    },
  }).finally(() => progress.stop());
  if (signal.aborted) return;
  if (result.failures > 0)
    throw new TryLaterError(`the history is not complete: ${result.lastFailure?.message}`);

  const interval = newestDay(now, settings.settleDelay, await readDayStart(database));
  const { tokens, tags } = scope;
  const tagGaps = await readGaps(database, { granularity: '1d', tokens, metrics: tags, interval });
  for (const request of tagRequests(tagGaps, { recordLimit: limit, recordUnit: unit })) {
    await ingestor.ingest(request, 'repair', { signal });
  }
  tellChecks(runtime.log, await runQualityChecks(database, clock.now(), signal));
  const seconds = (performance.now() - started) / 1000;
  say(
    `asked for ${count(missing)} values, received ${count(result.tally.values)}: some tokens have no fine windows ` +
      `(${count(result.tally.calls)} calls, ${seconds.toFixed(1)} s)`,
  );
}

function printTopMentions(top: readonly TopMention[]): void {
  const window = top[0]?.time;
  writeOut(`\nHot in the hour from ${beijing(window)} (Beijing), of simulated data:\n\n`);
  printTable(
    ['token', 'mentions', 'share', 'vs day before', 'net sentiment'],
    top.map((row) => [
      row.token,
      count(row.mentions),
      `${(row.share * 100).toFixed(1)}%`,
      row.change === null ? '-' : `${row.change >= 0 ? '+' : ''}${(row.change * 100).toFixed(0)}%`,
      row.sentiment.toFixed(2),
    ]),
  );
}

function printHints(database: Database, dataDir: string, isEnding: boolean): void {
  const again = isCheckout ? 'npm run demo' : `${invocation} demo`;
  const when = isEnding
    ? `The database ends with the demo. \`${again}\` goes on; while it runs,\nlook at it with psql, or any tool that speaks PostgreSQL:`
    : 'Look at it with psql, or any tool that speaks PostgreSQL, while the demo runs:';
  writeOut(
    `\n${when}\n\n` +
      `  psql ${database.url}\n\n` +
      `  select time, mention_count, net_sentiment from cryptoracle.metrics_1h\n` +
      `  where token = 'BTC' order by time desc limit 10;\n\n` +
      `The data are under ${dataDir}. Other commands find them there:\n\n` +
      `  DATA_DIR=${dataDir} ${invocation} status\n`,
  );
}
