import { Command } from 'commander';
import type { Granularity, MetricCode, Token } from '../catalog/index.ts';
import { requireCredentials, type Settings } from '../config.ts';
import { TryLaterError, UserError } from '../errors.ts';
import { type FillResult, type FillScope, fillGaps, type GapSummary, summariseGaps } from '../ingest/fill.ts';
import { type WantedWindows, wantedWindows } from '../planning/plan.ts';
import { settledUntil } from '../planning/windows.ts';
import { beginBackfill, endBackfill } from '../store/backfills.ts';
import { closeBreaker } from '../store/breaker.ts';
import { forgetUndue } from '../store/coverage.ts';
import type { Database } from '../store/database.ts';
import { lookOver } from '../store/quality.ts';
import { readScope, type ScopeChoice } from '../store/scope.ts';
import { storeWanted } from '../store/wanted.ts';
import { parseGranularities, parseInstant, parseMetrics, parsePositive, parseTokens } from './options.ts';
import { beijing, count, duration, printJson, printTable, showProgress } from './output.ts';
import { type CommandContext, runCommand } from './run.ts';

interface BackfillOptions {
  readonly from: number;
  readonly to: number;
  readonly granularity?: readonly Granularity[];
  readonly token?: readonly Token[] | 'all';
  readonly metric?: readonly MetricCode[];
  readonly maxRequests?: number;
  readonly dryRun?: true;
  readonly json?: true;
}

export const backfillCommand = new Command('backfill')
  .description('fill the gaps of a range, newest first; exit code 0 when none is left, 75 when some are')
  .requiredOption('--from <date>', 'first day or instant; Beijing time unless it names a zone', parseInstant)
  .requiredOption('--to <date>', 'end of the range, not included', parseInstant)
  .option('--granularity <list>', 'which of 15m,1h,4h,1d (default: GRANULARITIES)', parseGranularities)
  .option('--token <list>', 'which tokens (default: TOKENS)', parseTokens)
  .option('--metric <list>', 'which metrics, by code or name (default: METRICS)', parseMetrics)
  .option('--max-requests <n>', 'stop after so many calls to the API', parsePositive)
  .option('--dry-run', 'only say what it would take')
  .option('--json', 'print the result as JSON')
  .addHelpText(
    'after',
    '\nExample: cryptoracle backfill --from 2025-01-01 --to 2025-02-01 --granularity 1d,4h',
  )
  .action((options: BackfillOptions) => runCommand((context) => backfill(options, context)));

async function backfill(options: BackfillOptions, { runtime, signal }: CommandContext): Promise<number> {
  const { settings, clock, log } = runtime;
  if (options.from >= options.to) throw new UserError('--from must lie before --to');
  if (options.dryRun !== true) requireCredentials(settings);
  const database = await runtime.openDatabase();
  const chosen = options.token ?? settings.tokens;
  await runtime.requireTokens(database, chosen, options.token === undefined ? 'TOKENS' : '--token', signal);
  await storeWanted(database, settings, { onlyIfEmpty: true });
  const range = { start: options.from, end: options.to };
  const granularities = options.granularity ?? settings.granularities;
  const choice: ScopeChoice = {
    tokens: chosen,
    metrics: options.metric ?? settings.metrics,
    tags: [],
    // Who names a token wants to see for himself.
    evenUnavailable: options.token !== undefined && options.token !== 'all',
  };
  const wanted = wantedWindows(range, granularities, clock.now(), settings.settleDelay);
  const scope: FillScope = { ...(await readScope(database, choice, clock.now())), wanted };
  for (const granularity of granularities) {
    await forgetUndue(database, granularity, settledUntil(granularity, clock.now(), settings.settleDelay));
  }
  const packer = runtime.packer();
  const plan = await summariseGaps(database, scope, packer);
  if (options.dryRun === true) {
    printPlan(plan, settings, options.json === true);
    return 0;
  }
  const total = plan.reduce((sum, { values }) => sum + values, 0);
  const ingestor = await runtime.ingestor(database);
  // An earlier refusal is forgotten: while one request probes, those beside it would be refused and end the fill.
  await closeBreaker(database);
  const id =
    total === 0 ? undefined : await beginBackfill(database, { ...scope, range, granularities }, clock.now());
  log.debug({ id, values: total }, 'backfill begins');
  const progress = showProgress('filling', total);
  let done = 0;
  let result: FillResult | undefined;
  try {
    result = await fillGaps({
      database,
      ingestor,
      packer,
      scope,
      concurrency: settings.fetchConcurrency,
      mostCalls: options.maxRequests,
      signal,
      onProgress: (cells, tally) => {
        done += cells;
        progress.update(done, tally.calls);
      },
    });
  } finally {
    progress.stop();
    const state = result === undefined ? 'failed' : result.end === 'access-denied' ? 'failed' : 'stopped';
    if (id !== undefined && result?.end !== 'done')
      await endBackfill(database, id, state, result?.tally.calls ?? 0, clock.now());
  }
  await lookOver(database, clock.now(), signal);
  return conclude({
    ...{ database, wanted, runtime, id, result },
    choice: { ...choice, tokens: scope.tokens },
    json: options.json === true,
  });
}

/** Looks into the ledger for what is left, says so, and gives the exit code. */
async function conclude(end: {
  readonly database: Database;
  readonly choice: ScopeChoice;
  readonly wanted: WantedWindows;
  readonly runtime: CommandContext['runtime'];
  /** `undefined` where nothing was missing. */
  readonly id: number | undefined;
  readonly result: FillResult;
  readonly json: boolean;
}): Promise<number> {
  const { database, choice, wanted, runtime, id, result, json } = end;
  const scope = await readScope(database, choice, runtime.clock.now());
  const left = await summariseGaps(database, { ...scope, wanted }, runtime.packer());
  const valuesLeft = left.reduce((sum, { values }) => sum + values, 0);
  const requestsLeft = left.reduce((sum, { requests }) => sum + requests, 0);
  if (id !== undefined && result.end === 'done') {
    await endBackfill(
      database,
      id,
      valuesLeft === 0 ? 'done' : 'stopped',
      result.tally.calls,
      runtime.clock.now(),
    );
  }
  const { calls, values, rowsWritten, revisions, rejects } = result.tally;
  if (json) {
    printJson({ end: result.end, calls, values, rowsWritten, revisions, rejects, valuesLeft, requestsLeft });
  } else {
    process.stdout.write(
      `${count(values)} values in ${count(calls)} calls, ${count(rowsWritten)} rows written` +
        `${rejects > 0 ? `, ${count(rejects)} things quarantined` : ''}\n`,
    );
  }
  if (valuesLeft === 0) return 0;
  const rest = `${count(valuesLeft)} values (${count(requestsLeft)} requests) are left`;
  const reason = result.lastFailure === undefined ? '' : `: ${result.lastFailure.message}`;
  switch (result.end) {
    case 'access-denied':
      throw new UserError(
        `the API refuses access${reason}. Check the credentials, and that this machine's address is on the key's whitelist`,
      );
    case 'limit':
      throw new TryLaterError(`--max-requests is reached; ${rest}. Run the same command again to go on`);
    case 'stopped':
      throw new TryLaterError(`stopped; ${rest}. Run the same command again to go on`);
    case 'done':
      if (result.lastFailure?.kind === 'bad-request') {
        throw new UserError(`the API finds a request wrong${reason}; ${rest}. The table requests shows it`);
      }
      throw new TryLaterError(`${rest}${reason}. Run the same command again to go on`);
  }
}

function printPlan(plan: readonly GapSummary[], settings: Settings, json: boolean): void {
  const requests = plan.reduce((sum, part) => sum + part.requests, 0);
  const values = plan.reduce((sum, part) => sum + part.values, 0);
  const seconds = requests / settings.requestsPerSecond;
  if (json) {
    const iso = (instant: number | undefined) =>
      instant === undefined ? null : new Date(instant).toISOString();
    printJson({
      granularities: plan.map((part) => ({ ...part, from: iso(part.from), to: iso(part.to) })),
      values,
      requests,
      seconds,
    });
    return;
  }
  printTable(
    ['granularity', 'values', 'requests', 'from (Beijing)', 'to'],
    [
      ...plan.map((part) => [
        part.granularity,
        count(part.values),
        count(part.requests),
        beijing(part.from),
        beijing(part.to),
      ]),
      ['all', count(values), count(requests), '', ''],
    ],
  );
  process.stdout.write(`at ${settings.requestsPerSecond} requests/s: about ${duration(seconds)}\n`);
}
