import { beijingDay } from '../beijing.ts';
import { durationOf, type HistoryBudget, historyBudget } from '../planning/budget.ts';
import { readAnswerTime } from '../store/answers/requests.ts';
import { countUnseen } from '../store/ledger/availability.ts';
import { readDailyNeed } from '../store/ledger/daily-need.ts';
import { readSentToday } from '../store/limits/rate-limiter.ts';
import { readRowSize } from '../store/reports/row-size.ts';
import type { BackfillContext } from './context.ts';
import type { FillScope } from './scope.ts';
import type { GapSummary } from './summary.ts';

/** The price of a backfill, said before it is launched. */
export interface Price {
  readonly parts: readonly PricedPart[];
  readonly windows: number;
  readonly values: number;
  readonly requests: number;
  /** Calls a second that may be expected. */
  readonly rate: number;
  /** Whether the rate was measured, or is the configured one. */
  readonly rateFrom: 'measured' | 'configured';
  /** `undefined` where the daily budget leaves nothing for history. */
  readonly seconds: number | undefined;
  /** The part of the daily budget that history may have; `undefined` without one. */
  readonly budget: HistoryBudget | undefined;
  /** REQUESTS_PER_DAY, of which {@link budget} is what the other lanes leave. */
  readonly requestsPerDay: number | undefined;
  /** Bytes on disk before and after compression. */
  readonly bytes: number;
  readonly compressedBytes: number;
}

export interface PricedPart extends GapSummary {
  readonly seconds: number | undefined;
  readonly bytes: number;
  readonly compressedBytes: number;
  /** Tokens of which nobody knows yet whether the API has such windows; those it has not take no disk. */
  readonly tokensUnseen: number;
}

/** Fewest calls that say something about how long one takes. */
const fewestMeasured = 20;

/** Prices the gaps that the summaries of a scope name. */
export async function readPrice(
  summaries: readonly GapSummary[],
  scope: FillScope,
  context: BackfillContext,
): Promise<Price> {
  const { requestsPerDay, requestsPerSecond, fetchConcurrency } = context.settings;
  const answers = await readAnswerTime(context.database);
  const { rate, rateFrom } = expectedRate(requestsPerSecond, fetchConcurrency, answers);
  const budget = await readHistoryBudget(context);
  const parts: PricedPart[] = [];
  for (const summary of summaries) {
    parts.push({
      ...summary,
      seconds: durationOf(summary.requests, rate, budget),
      ...(await readSize(summary, scope, context)),
    });
  }
  const sum = (of: (part: PricedPart) => number) => parts.reduce((total, part) => total + of(part), 0);
  const requests = sum((part) => part.requests);
  return {
    parts,
    windows: sum((part) => part.windows),
    values: sum((part) => part.values),
    requests,
    rate,
    rateFrom,
    seconds: durationOf(requests, rate, budget),
    budget,
    requestsPerDay,
    bytes: sum((part) => part.bytes),
    compressedBytes: sum((part) => part.compressedBytes),
  };
}

/**
 * Calls a second that may be expected: the configured rate, or less where answers were seen to take longer.
 *
 * @param concurrency calls under way at a time
 * @param answers how many were measured, and how long they took on average, in seconds
 */
export function expectedRate(
  configured: number,
  concurrency: number,
  answers: { readonly calls: number; readonly seconds: number },
): Pick<Price, 'rate' | 'rateFrom'> {
  const asConfigured = { rate: configured, rateFrom: 'configured' } as const;
  if (answers.calls < fewestMeasured || answers.seconds === 0) return asConfigured;
  const measured = concurrency / answers.seconds;
  return measured < configured ? { rate: measured, rateFrom: 'measured' } : asConfigured;
}

async function readSize(
  { granularity, rows }: GapSummary,
  { tokensOf, metrics }: FillScope,
  { database }: BackfillContext,
): Promise<Pick<PricedPart, 'bytes' | 'compressedBytes' | 'tokensUnseen'>> {
  const { bytes, compressedBytes } = await readRowSize(database, granularity);
  return {
    bytes: rows * bytes,
    compressedBytes: rows * compressedBytes,
    tokensUnseen: rows === 0 ? 0 : await countUnseen(database, granularity, tokensOf(granularity), metrics),
  };
}

async function readHistoryBudget(context: BackfillContext): Promise<HistoryBudget | undefined> {
  const { database, settings, clock } = context;
  if (settings.requestsPerDay === undefined) return undefined;
  const now = clock.now();
  const [need, sent] = await Promise.all([readDailyNeed(database, settings, now), readSentToday(database)]);
  const partLeft = 1 - (now - beijingDay(now)) / 86_400_000;
  return historyBudget(settings.requestsPerDay, need, sent, partLeft);
}

/** Which part of a day's budget so many calls are; `undefined` where there is none for them. */
export const shareOf = (requests: number, budget: HistoryBudget | undefined) =>
  budget === undefined || budget.perDay === 0 ? undefined : requests / budget.perDay;
