import { setTimeout as sleep } from 'node:timers/promises';
import type { Granularity, MetricCode, Token } from '../../catalog/index.ts';
import type { Clock } from '../../clock.ts';
import { requireCredentials } from '../../config.ts';
import { TryLaterError, UserError } from '../../errors.ts';
import { type FillResult, type FillScope, fillGaps, summariseGaps } from '../../ingest/fill.ts';
import { isEmpty } from '../../planning/interval.ts';
import { settledUntil } from '../../planning/windows.ts';
import { runQualityChecks } from '../../store/answers/quality.ts';
import type { Database } from '../../store/connection/database.ts';
import { forgetUndue } from '../../store/ledger/coverage.ts';
import { storeDesiredScope } from '../../store/ledger/desired-scope.ts';
import {
  type BackfillScope,
  endOrder,
  forgetRefresh,
  placeOrder,
  readOrder,
  recordHeartbeat,
  reopenOrder,
  workOnOrder,
} from '../../store/ledger/orders.ts';
import { readListedTokens } from '../../store/ledger/tokens.ts';
import { closeBreaker } from '../../store/limits/breaker.ts';
import { beijing, count, printJson, showProgress } from '../output.ts';
import type { CommandContext } from '../run.ts';
import type { Runtime } from '../runtime.ts';
import { over, requireOrder, scopeOf } from './orders.ts';
import { priceOf, printPrice } from './price.ts';

/** Places an order, or takes one up again, and works on it in the foreground. */

export interface WorkOptions {
  readonly maxRequests?: number;
  readonly json?: true;
}

export interface ResumeOptions extends WorkOptions {
  readonly dryRun?: true;
}

export interface OrderOptions extends ResumeOptions {
  readonly from: number;
  readonly to: number;
  readonly granularity?: readonly Granularity[];
  readonly token?: readonly Token[] | 'all';
  readonly metric?: readonly MetricCode[];
  readonly refresh?: true;
}

/** An order that does not exist yet has a ledger of its own, in which there is nothing. */
const notPlaced = 0;

export async function order(options: OrderOptions, context: CommandContext): Promise<number> {
  const { runtime, signal } = context;
  const { settings, clock } = runtime;
  if (options.from >= options.to) throw new UserError('--from must lie before --to');
  if (options.dryRun !== true) requireCredentials(settings);
  const database = await runtime.openDatabase();
  await storeDesiredScope(database, settings, { onlyIfEmpty: true });
  const chosen = options.token ?? settings.tokens;
  await runtime.requireTokens(database, chosen, options.token === undefined ? 'TOKENS' : '--token', signal);
  const granularities = options.granularity ?? settings.granularities;
  const wish = {
    range: { start: options.from, end: options.to },
    granularities,
    metrics: options.metric ?? settings.metrics,
    refresh: options.refresh === true,
    // Who names a token wants to see for himself.
    evenUnavailable: options.token !== undefined && options.token !== 'all',
  };
  for (const granularity of granularities) {
    await forgetUndue(database, granularity, settledUntil(granularity, clock.now(), settings.settleDelay));
  }
  const tokens = chosen === 'all' ? await readListedTokens(database) : chosen;
  const placed: BackfillScope = { ...wish, tokens };
  const scope = await scopeOf(placed, notPlaced, database, runtime);
  const summaries = await summariseGaps(database, scope, runtime.packer());
  const price = await priceOf(summaries, database, runtime, scope);
  const refused = wish.metrics.filter((code) => !scope.metrics.includes(code));
  if (options.dryRun === true) printPrice(price, options.json === true);
  if (price.values === 0 && options.json !== true) sayNothingToDo(scope, refused);
  if (options.dryRun === true) return 0;
  if (price.values === 0) return conclude({ database, placed, scope, runtime, options, result: nothingToDo });
  const id = await placeOrder(database, { ...placed, metrics: scope.metrics }, price, clock.now());
  return work(id, placed, price.values, price.values, options, context, database);
}

/** A range without windows is complete, too; who mistook a date wants to know. */
function sayNothingToDo({ wanted }: FillScope, refused: readonly MetricCode[]): void {
  const isDue = [...wanted.values()].some((interval) => !isEmpty(interval));
  const reason = !isDue
    ? 'no window of this range is due yet'
    : refused.length > 0
      ? `the subscription does not include ${refused.join(', ')}, and the API has answered all else`
      : 'the API has answered all of it';
  process.stdout.write(`nothing to do: ${reason}\n`);
}

/** What a fill that had nothing to fill ends with. */
const nothingToDo: FillResult = {
  tally: { calls: 0, values: 0, rowsWritten: 0, revisions: 0, rejects: 0 },
  end: 'done',
  budgetUntil: undefined,
  failures: 0,
  lastFailure: undefined,
};

export async function resume(
  id: number | undefined,
  options: ResumeOptions,
  context: CommandContext,
): Promise<number> {
  const { runtime } = context;
  if (options.dryRun !== true) requireCredentials(runtime.settings);
  const database = await runtime.openDatabase();
  const order = await requireOrder(database, id);
  if (order.state === 'cancelled' || order.state === 'done') throw over(order.id, order.state);
  const scope = await scopeOf(order, order.id, database, runtime);
  const summaries = await summariseGaps(database, scope, runtime.packer());
  if (options.dryRun === true) {
    printPrice(await priceOf(summaries, database, runtime, scope), options.json === true);
    return 0;
  }
  const left = summaries.reduce((sum, { values }) => sum + values, 0);
  return work(order.id, order, Math.max(left, order.valuesOrdered ?? 0), left, options, context, database);
}

/** How often an order gets a sign of life, and a look is taken whether somebody has cancelled it; milliseconds. */
const beatInterval = 2000;

/**
 * Works on an order until nothing is left, something stops it, or somebody cancels it.
 *
 * @param total values that were missing when it was placed
 * @param left values that are missing now
 */
async function work(
  id: number,
  placed: BackfillScope,
  total: number,
  left: number,
  options: WorkOptions,
  context: CommandContext,
  database: Database,
): Promise<number> {
  const { runtime, signal } = context;
  const { settings, clock } = runtime;
  const ingestor = await runtime.ingestor(database);
  const worked = await workOnOrder(database, id, async () => {
    // An earlier refusal is forgotten: while one request probes, those beside it would be refused and end the fill.
    await closeBreaker(database);
    if (!(await reopenOrder(database, id, clock.now()))) {
      throw over(id, (await requireOrder(database, id)).state);
    }
    const scope = await scopeOf(placed, id, database, runtime);
    process.stderr.write(`order ${id}: ${count(left)} values; \`backfill watch ${id}\` shows it elsewhere\n`);
    const progress = showProgress('filling', total, total - left);
    const cancelled = new AbortController();
    let done = total - left;
    let calls = 0;
    let told = 0;
    const beat = async () => {
      const sent = calls - told;
      told = calls;
      if ((await recordHeartbeat(database, id, sent, clock.now())) === 'cancelled') cancelled.abort();
    };
    const beats = setInterval(() => void beat().catch(() => {}), beatInterval);
    const filled = new AbortController();
    const looks = lookOverUntil(filled.signal, database, clock);
    let result: FillResult | undefined;
    try {
      result = await fillGaps({
        database,
        ingestor,
        packer: runtime.packer(),
        scope,
        clock,
        concurrency: settings.fetchConcurrency,
        mostCalls: options.maxRequests,
        signal: AbortSignal.any([signal, cancelled.signal]),
        onProgress: (cells, tally, { granularity, interval }) => {
          done += cells;
          calls = tally.calls;
          progress.update({ done, calls, granularity, from: interval.start });
        },
      });
      calls = result.tally.calls;
      filled.abort();
      await looks;
      await runQualityChecks(database, clock.now(), signal);
    } finally {
      filled.abort();
      clearInterval(beats);
      progress.stop();
      await beat();
      if (result === undefined) {
        await endOrder(database, id, { state: 'failed', message: 'see the log' }, clock.now());
      }
    }
    return conclude({ database, placed, scope, runtime, options, result, id });
  });
  if (worked !== undefined) return worked;
  throw new UserError(`another process works on order ${id}; \`backfill watch ${id}\` shows how far it is`);
}

/** How long what was stored waits until it is looked over, in milliseconds. */
const lookInterval = 20_000;

/** Looks over what is stored while more is fetched, so that little is left to do at the end. */
async function lookOverUntil(filled: AbortSignal, database: Database, clock: Clock): Promise<void> {
  while (!filled.aborted) {
    try {
      await sleep(lookInterval, undefined, { signal: filled });
      await runQualityChecks(database, clock.now(), filled);
    } catch {
      // What keeps the database from it keeps it from storing, too, and that is told.
    }
  }
}

interface End {
  readonly database: Database;
  readonly placed: BackfillScope;
  readonly scope: FillScope;
  readonly runtime: Runtime;
  readonly options: WorkOptions;
  readonly result: FillResult;
  /** `undefined` where nothing was missing, and nothing ordered. */
  readonly id?: number;
}

/** Looks into the ledger for what is left, says so, and gives the exit code. */
async function conclude({ database, placed, scope, runtime, options, result, id }: End): Promise<number> {
  const { clock } = runtime;
  // The API may have turned out not to give some of it, or to have more.
  const learned = await scopeOf(placed, id ?? notPlaced, database, runtime);
  const summaries = await summariseGaps(database, { ...learned, wanted: scope.wanted }, runtime.packer());
  const valuesLeft = summaries.reduce((sum, { values }) => sum + values, 0);
  const requestsLeft = summaries.reduce((sum, { requests }) => sum + requests, 0);
  const { calls, values, rowsWritten, revisions, rejects } = result.tally;
  const goOn = id === undefined ? 'Run the same command again' : `\`backfill resume ${id}\` goes on`;
  const rest = `${count(valuesLeft)} values (${count(requestsLeft)} requests) are left. ${goOn}`;
  const isCancelled = id !== undefined && (await readOrder(database, id))?.state === 'cancelled';
  const reason = isCancelled ? over(id, 'cancelled') : why(result, valuesLeft, rest);
  // Calls that were under way when a refresh was cancelled have entered what they brought in its ledger.
  if (isCancelled) await forgetRefresh(database, id);
  if (id !== undefined && !isCancelled) {
    const state = reason === undefined ? 'done' : result.end === 'access-denied' ? 'failed' : 'stopped';
    await endOrder(database, id, { state, message: reason?.message }, clock.now());
  }
  if (options.json === true) {
    const isUnfinished = result.end === 'done' && reason !== undefined;
    const end = isCancelled ? 'cancelled' : isUnfinished ? 'stopped' : result.end;
    printJson({
      order: id ?? null,
      end,
      calls,
      values,
      rowsWritten,
      revisions,
      rejects,
      valuesLeft,
      requestsLeft,
      message: reason?.message ?? null,
    });
  } else {
    process.stdout.write(
      `${count(values)} values in ${count(calls)} calls, ${count(rowsWritten)} rows written` +
        `${revisions > 0 ? `, ${count(revisions)} revisions` : ''}` +
        `${rejects > 0 ? `, ${count(rejects)} things quarantined` : ''}\n`,
    );
  }
  if (reason !== undefined) throw reason;
  return 0;
}

/** Why an order is not done; `undefined` where nothing is left. */
function why(
  { end, budgetUntil, lastFailure }: FillResult,
  valuesLeft: number,
  rest: string,
): UserError | TryLaterError | undefined {
  if (valuesLeft === 0) return undefined;
  const reason = lastFailure === undefined ? '' : `: ${lastFailure.message}`;
  switch (end) {
    case 'access-denied':
      return new UserError(
        `the API refuses access${reason}. Check the credentials, and that this machine's address is on the key's whitelist`,
      );
    case 'limit':
      return new TryLaterError(`--max-requests is reached; ${rest}`);
    case 'budget':
      return new TryLaterError(
        `the daily budget (REQUESTS_PER_DAY) is used up as far as history may have it; ${rest} after ${beijing(budgetUntil)} (Beijing)`,
      );
    case 'stopped':
      return new TryLaterError(`stopped${reason}; ${rest}`);
    case 'no-answers':
      return new TryLaterError(`the API gives no answers${reason}; ${rest}`);
    case 'done':
      return lastFailure?.kind === 'bad-request'
        ? new UserError(`the API finds a request wrong${reason}; ${rest}. The table requests shows it`)
        : new TryLaterError(`${rest}${reason}`);
  }
}
