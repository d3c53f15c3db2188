import { beijingDay } from '../../beijing.ts';
import type { FillScope, GapSummary } from '../../ingest/fill.ts';
import { durationOf, type HistoryBudget, historyBudget } from '../../planning/budget.ts';
import { readAnswerTime } from '../../store/answers/requests.ts';
import type { Database } from '../../store/connection/database.ts';
import { countUnseen } from '../../store/ledger/availability.ts';
import { readSentToday } from '../../store/limits/rate-limiter.ts';
import { readRowSize } from '../../store/reports/row-size.ts';
import { beijing, count, duration, printJson, printTable, bytes as size } from '../output.ts';
import type { Runtime } from '../runtime.ts';

/** What a backfill takes, said before it is launched. */
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
  /** What of the daily budget history may have; `undefined` without one. */
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

export async function priceOf(
  summaries: readonly GapSummary[],
  database: Database,
  runtime: Runtime,
  scope: FillScope,
): Promise<Price> {
  const { settings } = runtime;
  const { calls, seconds: answerTime } = await readAnswerTime(database);
  const isMeasured = calls >= fewestMeasured && answerTime > 0;
  const rate = isMeasured
    ? Math.min(settings.requestsPerSecond, settings.fetchConcurrency / answerTime)
    : settings.requestsPerSecond;
  const budget = await budgetOf(database, runtime);
  const parts: PricedPart[] = [];
  for (const summary of summaries) {
    const { granularity, rows, requests } = summary;
    const { bytes, compressedBytes } = await readRowSize(database, granularity);
    parts.push({
      ...summary,
      seconds: durationOf(requests, rate, budget),
      bytes: rows * bytes,
      compressedBytes: rows * compressedBytes,
      tokensUnseen:
        rows === 0 ? 0 : await countUnseen(database, granularity, scope.tokensOf(granularity), scope.metrics),
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
    rateFrom: isMeasured && rate < settings.requestsPerSecond ? 'measured' : 'configured',
    seconds: durationOf(requests, rate, budget),
    budget,
    requestsPerDay: settings.requestsPerDay,
    bytes: sum((part) => part.bytes),
    compressedBytes: sum((part) => part.compressedBytes),
  };
}

async function budgetOf(database: Database, runtime: Runtime): Promise<HistoryBudget | undefined> {
  const { settings, clock } = runtime;
  if (settings.requestsPerDay === undefined) return undefined;
  const [need, sent] = await Promise.all([runtime.dailyNeed(database), readSentToday(database)]);
  const now = clock.now();
  const partLeft = 1 - (now - beijingDay(now)) / 86_400_000;
  return historyBudget(settings.requestsPerDay, need, sent, partLeft);
}

/** Which part of a day's budget so many calls are; `undefined` where there is none for them. */
const shareOf = (requests: number, budget: HistoryBudget | undefined) =>
  budget === undefined || budget.perDay === 0 ? undefined : requests / budget.perDay;

const unseenNotes = [
  'new tokens: the API may have no such windows of them, which then take no disk;',
  'a fill of the newest day tells which, and they are not asked for again',
];

export function printPrice(price: Price, json: boolean): void {
  if (json) return printJson(priceToJson(price));
  const { parts, rate, rateFrom, budget } = price;
  const whole = { ...price, granularity: 'all', from: undefined, to: undefined, tokensUnseen: undefined };
  const lines = [...parts, whole];
  printTable(
    ['', 'windows', 'values', 'requests', 'from (Beijing)', 'to'],
    lines.map(({ granularity, windows, values, requests, from, to }) => [
      granularity,
      count(windows),
      count(values),
      count(requests),
      beijing(from),
      beijing(to),
    ]),
  );
  process.stdout.write('\n');
  const share = (requests: number) => {
    const part = shareOf(requests, budget);
    return part === undefined ? '-' : `${count(100 * part)} %`;
  };
  printTable(
    ['', 'time', 'daily budget', 'disk', 'compressed', 'new tokens'],
    lines.map(({ granularity, requests, seconds, bytes, compressedBytes, tokensUnseen }) => [
      granularity,
      seconds === undefined ? 'never' : duration(seconds),
      share(requests),
      size(bytes),
      size(compressedBytes),
      tokensUnseen === undefined ? '' : count(tokensUnseen),
    ]),
  );
  const notes = [
    `at ${rate < 10 ? rate.toFixed(1) : count(rate)} requests/s (${rateFrom})`,
    budget === undefined
      ? 'no daily budget is set (REQUESTS_PER_DAY)'
      : `history may have ${count(budget.perDay)} of the ${count(price.requestsPerDay ?? 0)} calls of a day, and ${count(budget.today)} today`,
    ...(parts.some(({ tokensUnseen }) => tokensUnseen > 0) ? unseenNotes : []),
  ];
  process.stdout.write(`\n${notes.map((note) => `${note}\n`).join('')}`);
}

function priceToJson({ parts, budget, ...price }: Price): object {
  const iso = (instant: number | undefined) =>
    instant === undefined ? null : new Date(instant).toISOString();
  const share = (requests: number) => shareOf(requests, budget) ?? null;
  return {
    granularities: parts.map((part) => ({
      ...part,
      seconds: part.seconds ?? null,
      budgetShare: share(part.requests),
      bytes: Math.round(part.bytes),
      compressedBytes: Math.round(part.compressedBytes),
      from: iso(part.from),
      to: iso(part.to),
    })),
    ...price,
    seconds: price.seconds ?? null,
    bytes: Math.round(price.bytes),
    compressedBytes: Math.round(price.compressedBytes),
    requestsPerDay: price.requestsPerDay ?? null,
    historyPerDay: budget?.perDay ?? null,
    historyToday: budget?.today ?? null,
    budgetShare: share(price.requests),
  };
}
