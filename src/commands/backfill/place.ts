import { type Conclusion, concludeWithoutOrder } from '../../backfill/conclude.ts';
import type { BackfillContext } from '../../backfill/context.ts';
import {
  nothingToDo,
  type OpenOrder,
  place,
  type Quote,
  quoteOrder,
  quoteRest,
  requireOrder,
} from '../../backfill/order.ts';
import { type WorkObserver, workOn } from '../../backfill/work.ts';
import { requireCredentials, type Settings } from '../../config.ts';
import { UserError } from '../../errors.ts';
import { storeDesiredScope } from '../../store/ledger/desired-scope.ts';
import { leaveToWorkers } from '../../store/ledger/detached-orders.ts';
import { chosenMetrics } from '../options.ts';
import { count, type Progress, printJson, showProgress, writeErr, writeOut } from '../output.ts';
import type { CommandContext } from '../run.ts';
import { requireOrdered, type ScopeOptions } from '../selection.ts';
import { printPrice } from './price.ts';

/** Places an order, or takes one up again, and works on it in the foreground. */

interface WorkOptions {
  readonly maxRequests?: number;
  /** Whether running workers are to do it. */
  readonly detach?: true;
  readonly json?: true;
}

export interface ResumeOptions extends WorkOptions {
  readonly dryRun?: true;
  /** Of a dry run. */
  readonly utc?: true;
}

export interface OrderOptions extends ResumeOptions, ScopeOptions {
  readonly from: number;
  readonly to: number;
  readonly refresh?: true;
}

export async function order(options: OrderOptions, context: CommandContext): Promise<number> {
  const { runtime, signal } = context;
  const { settings } = runtime;
  requireOrdered(options);
  const named = options.metric && chosenMetrics(options.metric, settings.catalogue);
  requireMeans(options, settings);
  const isQuestion = options.dryRun === true;
  const database = isQuestion ? await runtime.openExistingDatabase() : await runtime.openDatabase();
  if (!isQuestion) await storeDesiredScope(database, settings, { onlyIfEmpty: true });
  const tokens = options.token ?? settings.tokens;
  await runtime.requireTokens(database, tokens, options.token === undefined ? 'TOKENS' : '--token', signal);
  const backfill = runtime.backfill(database);
  const choice = {
    range: { start: options.from, end: options.to },
    granularities: options.granularity ?? settings.granularities,
    tokens,
    metrics: named ?? settings.metrics,
    refresh: options.refresh === true,
    // A person who names a token wants to see what the API says.
    evenUnavailable: options.token !== undefined && options.token !== 'all',
  };
  const quote = await quoteOrder(choice, backfill);
  if (isQuestion) printPrice(quote.price, options);
  if (options.json !== true) tellNothingToDo(quote);
  if (isQuestion) return 0;
  if (nothingToDo(quote) !== undefined) return report(await concludeWithoutOrder(quote, backfill), options);
  return work(await place(quote, backfill), options, context, backfill);
}

/** A question, and an order that is left to others, need no credentials here. @throws UserError */
function requireMeans({ dryRun, detach, maxRequests }: ResumeOptions, settings: Settings): void {
  if (detach === true && maxRequests !== undefined) {
    throw new UserError(
      '--max-requests does not go with --detach: REQUESTS_PER_DAY bounds what workers send',
    );
  }
  if (dryRun !== true && detach !== true) requireCredentials(settings);
}

/** A range without windows is complete, too: a mistaken date would go unnoticed. */
function tellNothingToDo(quote: Quote): void {
  const nothing = nothingToDo(quote);
  if (nothing === undefined) return;
  const metrics = 'metrics' in nothing ? nothing.metrics.join(', ') : '';
  const reasons = {
    'nothing is due': 'no window of this range is due yet',
    'all is answered': 'the API has answered all of it',
    'metrics are refused': `the subscription does not include ${metrics}, and the API has answered all else`,
    'not in this API version': `the version of the API that is spoken does not have ${metrics}`,
  };
  writeOut(`nothing to do: ${reasons[nothing.reason]}\n`);
}

export async function resume(
  id: number | undefined,
  options: ResumeOptions,
  context: CommandContext,
): Promise<number> {
  const { runtime } = context;
  requireMeans(options, runtime.settings);
  runtime.requireDatabase();
  const database = await runtime.openDatabase();
  const backfill = runtime.backfill(database);
  const rest = await quoteRest(await requireOrder(database, id), backfill);
  if (options.dryRun === true) {
    printPrice(rest.price, options);
    return 0;
  }
  return work(rest.order, options, context, backfill);
}

async function work(
  order: OpenOrder,
  options: WorkOptions,
  { runtime, signal }: CommandContext,
  backfill: BackfillContext,
): Promise<number> {
  if (options.detach === true) return detach(order, options, backfill);
  const ingestor = await runtime.ingestor(backfill.database);
  const concluded = await workOn(
    order,
    { ingestor, mostCalls: options.maxRequests, signal, observer: progressObserver() },
    backfill,
  );
  return report(concluded, options);
}

/** Leaves an order to the workers of the pipeline. */
async function detach(
  { id }: OpenOrder,
  { json }: WorkOptions,
  { database }: BackfillContext,
): Promise<number> {
  await leaveToWorkers(database, id);
  if (json === true) printJson({ order: id, state: 'waiting' });
  else {
    writeOut(
      `order ${id} is left to the workers of \`start\`; \`backfill watch ${id}\` shows how far it is, ` +
        `\`backfill pause ${id}\` lays it aside\n`,
    );
  }
  return 0;
}

function progressObserver(): WorkObserver {
  let progress: Progress | undefined;
  return {
    began: ({ id, total, left }) => {
      writeErr(`order ${id}: ${count(left)} values; \`backfill watch ${id}\` shows it elsewhere\n`);
      progress = showProgress('filling', total, total - left);
    },
    progressed: (step) => progress?.update(step),
    ended: () => progress?.stop(),
  };
}

/** Says how it ended. @returns the exit code @throws the problem where something is left */
function report({ order, tally, problem, ...conclusion }: Conclusion, { json }: WorkOptions): number {
  const { calls, values, rowsWritten, revisions, rejects } = tally;
  if (json === true) {
    printJson({ order: order ?? null, ...conclusion, ...tally, message: problem?.message ?? null });
  } else {
    writeOut(
      `${count(values)} values in ${count(calls)} calls, ${count(rowsWritten)} rows written` +
        `${revisions > 0 ? `, ${count(revisions)} revisions` : ''}` +
        `${rejects > 0 ? `, ${count(rejects)} things quarantined` : ''}\n`,
    );
  }
  if (problem !== undefined) throw problem;
  return 0;
}
