import { type Granularity, granularities } from '../../catalog/index.ts';
import type { GapSummary } from '../../ingest/fill.ts';
import { dailyNeed, reserveOf } from '../../planning/budget.ts';
import type { Database } from '../../store/database.ts';
import { readAnswerTime } from '../../store/requests.ts';
import { type RowSize, readRowSize } from '../../store/sizes.ts';
import { beijing, bytes, count, duration, printJson, printTable } from '../output.ts';
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
  readonly seconds: number;
  /** Calls a day that history may have; `undefined` without a daily budget. */
  readonly perDay: number | undefined;
  /** Bytes on disk before and after compression. */
  readonly bytes: number;
  readonly compressedBytes: number;
}

export interface PricedPart extends GapSummary {
  readonly bytes: number;
  readonly compressedBytes: number;
}

/** Fewest calls that say something about how long one takes. */
const fewestMeasured = 20;

export async function priceOf(
  summaries: readonly GapSummary[],
  database: Database,
  runtime: Runtime,
  scope: { readonly tokens: number; readonly metrics: number },
): Promise<Price> {
  const { settings } = runtime;
  const sizes = new Map<Granularity, RowSize>();
  for (const granularity of granularities) sizes.set(granularity, await readRowSize(database, granularity));
  const parts = summaries.map((summary) => {
    const size = sizes.get(summary.granularity);
    const rows = summary.rows * (size?.rowsPerAnswer ?? 1);
    return {
      ...summary,
      bytes: rows * (size?.bytes ?? 0),
      compressedBytes: rows * (size?.compressedBytes ?? 0),
    };
  });
  const sum = (of: (part: PricedPart) => number) => parts.reduce((total, part) => total + of(part), 0);
  const requests = sum((part) => part.requests);
  const { calls, seconds: answerTime } = await readAnswerTime(database);
  const isMeasured = calls >= fewestMeasured && answerTime > 0;
  const rate = isMeasured
    ? Math.min(settings.requestsPerSecond, settings.fetchConcurrency / answerTime)
    : settings.requestsPerSecond;
  const need = dailyNeed({ ...settings, ...scope });
  const perDay =
    settings.requestsPerDay === undefined
      ? undefined
      : Math.max(0, settings.requestsPerDay - reserveOf('history', need));
  const days = perDay === undefined ? 0 : Math.floor(requests / Math.max(1, perDay));
  return {
    parts,
    windows: sum((part) => part.windows),
    values: sum((part) => part.values),
    requests,
    rate,
    rateFrom: isMeasured && rate < settings.requestsPerSecond ? 'measured' : 'configured',
    seconds: Math.max(requests / rate, days * 86_400),
    perDay,
    bytes: sum((part) => part.bytes),
    compressedBytes: sum((part) => part.compressedBytes),
  };
}

export function printPrice(price: Price, json: boolean): void {
  if (json) return printJson(priceToJson(price));
  const { parts, requests, values, windows, rate, rateFrom, seconds, perDay } = price;
  printTable(
    ['', 'windows', 'values', 'requests', 'from (Beijing)', 'to'],
    [
      ...parts.map((part) => [
        part.granularity,
        count(part.windows),
        count(part.values),
        count(part.requests),
        beijing(part.from),
        beijing(part.to),
      ]),
      ['all', count(windows), count(values), count(requests), '', ''],
    ],
  );
  const speed = `${rate < 10 ? rate.toFixed(1) : count(rate)} requests/s (${rateFrom})`;
  process.stdout.write(
    [
      `time: about ${duration(seconds)} at ${speed}`,
      ...(perDay === undefined
        ? []
        : [
            `daily budget: ${count((100 * requests) / Math.max(1, perDay))} % of the ${count(perDay)} calls a day that history may have`,
          ]),
      `disk: about ${bytes(price.bytes)}, compressed ${bytes(price.compressedBytes)}`,
    ]
      .map((line) => `${line}\n`)
      .join(''),
  );
}

function priceToJson({ parts, perDay, ...price }: Price): object {
  const iso = (instant: number | undefined) =>
    instant === undefined ? null : new Date(instant).toISOString();
  const share = (requests: number) => (perDay === undefined ? null : requests / Math.max(1, perDay));
  return {
    granularities: parts.map((part) => ({
      ...part,
      budgetShare: share(part.requests),
      seconds: part.requests / price.rate,
      bytes: Math.round(part.bytes),
      compressedBytes: Math.round(part.compressedBytes),
      from: iso(part.from),
      to: iso(part.to),
    })),
    ...price,
    bytes: Math.round(price.bytes),
    compressedBytes: Math.round(price.compressedBytes),
    requestsPerDay: perDay ?? null,
    budgetShare: share(price.requests),
  };
}
