import {
  type ApiVersion,
  type Granularity,
  granularities,
  type MetricCode,
  type Token,
  windowLength,
} from '../catalog/index.ts';
import { dailyCalls } from '../planning/budget.ts';
import { type Keep, keptFrom } from '../planning/plan.ts';
import type { DesiredScope } from '../store/ledger/desired-scope.ts';
import { readRecordRules, statedRecords } from '../store/ledger/record-rules.ts';
import { readScope } from '../store/ledger/scope.ts';
import { readListedTokens } from '../store/ledger/tokens.ts';
import { countOlder } from '../store/reports/older.ts';
import { readRowSize } from '../store/reports/row-size.ts';
import type { Instant, Milliseconds } from '../time.ts';
import type { BackfillContext } from './context.ts';
import { readPrice } from './price.ts';
import { readFillScope } from './scope.ts';
import { summariseGaps } from './summary.ts';

/** The calls, disk and time that settings would take, before a pipeline starts with them. */

export interface Outlook {
  readonly granularities: readonly Granularity[];
  readonly tokens: readonly Token[];
  readonly metrics: readonly MetricCode[];
  readonly historyStart: Instant;
  readonly settleDelay: Milliseconds;
  readonly lookbackWindows: number;
  readonly keep: Keep;
  readonly apiVersion: ApiVersion;
  /** Calls for the newest windows and the look-back of a day, as planned; retries come on top. */
  readonly callsPerDay: number;
  /** Bytes on disk in a year, before and after compression, where every token has every window. */
  readonly bytesPerYear: number;
  readonly compressedBytesPerYear: number;
  /** The values that are missing now, and the means that it takes to fetch them. */
  readonly toFill: {
    readonly values: number;
    readonly requests: number;
    /** `undefined` where the daily budget leaves nothing for history. */
    readonly seconds: number | undefined;
    readonly bytes: number;
  };
}

const day: Milliseconds = 86_400_000;

/**
 * @param desired what is wanted; the settings of the context say how fast calls are sent
 * @param extra tokens that are wanted with all that are listed
 */
export async function readOutlook(
  desired: DesiredScope,
  context: BackfillContext,
  extra: readonly Token[] = [],
): Promise<Outlook> {
  const { database, clock, settings, packer } = context;
  const { historyStart, settleDelay, keep = {} } = desired;
  const lookbackWindows = desired.lookbackWindows ?? settings.lookbackWindows;
  const now = clock.now();
  const all = desired.tokens === 'all' ? [...(await readListedTokens(database)), ...extra] : desired.tokens;
  const tokens = [...new Set(all)];
  const scope = await readScope(database, { ...desired, tokens }, now);
  const { limit, unit } = await readRecordRules(database, statedRecords(settings));
  const calls = dailyCalls({
    granularities: desired.granularities,
    tokensIn: (granularity) => scope.tokensOf(granularity).length,
    ...{ metrics: scope.metrics.length, lookbackWindows, recordLimit: limit, recordUnit: unit },
  });
  const placed = {
    range: { start: historyStart, end: now },
    ...{
      granularities: desired.granularities,
      tokens,
      metrics: scope.metrics,
      refresh: false,
      evenUnavailable: false,
    },
  };
  const inPlace = { ...context, settings: { ...settings, settleDelay, keep: { ...unlimited, ...keep } } };
  const fill = await readFillScope(placed, undefined, inPlace);
  const price = await readPrice(await summariseGaps(database, fill, packer), fill, inPlace);
  const { values, requests, seconds, bytes } = price;
  return {
    ...{ granularities: desired.granularities, tokens, metrics: desired.metrics },
    ...{ historyStart, settleDelay, lookbackWindows, keep, apiVersion: desired.apiVersion },
    callsPerDay: Math.round(calls.live + calls.lookback),
    ...(await readDisk(desired.granularities, (granularity) => scope.tokensOf(granularity).length, context)),
    toFill: { values, requests, seconds, bytes },
  };
}

const unlimited = { '15m': undefined, '1h': undefined, '4h': undefined, '1d': undefined };

async function readDisk(
  chosen: readonly Granularity[],
  tokensIn: (granularity: Granularity) => number,
  { database }: BackfillContext,
): Promise<Pick<Outlook, 'bytesPerYear' | 'compressedBytesPerYear'>> {
  let bytesPerYear = 0;
  let compressedBytesPerYear = 0;
  for (const granularity of chosen) {
    const rows = ((365 * day) / windowLength[granularity]) * tokensIn(granularity);
    const size = await readRowSize(database, granularity);
    bytesPerYear += rows * size.bytes;
    compressedBytesPerYear += rows * size.compressedBytes;
  }
  return { bytesPerYear, compressedBytesPerYear };
}

/** How settings differ from what was wanted before them. */
export interface OutlookChange {
  readonly tokens: Change<Token>;
  readonly metrics: Change<MetricCode>;
  readonly granularities: Change<Granularity>;
  /** Names of settings whose value differs otherwise. */
  readonly settings: readonly string[];
  readonly callsPerDay: number;
  readonly bytesPerYear: number;
  readonly requestsToFill: number;
}

export interface Change<T> {
  readonly added: readonly T[];
  readonly removed: readonly T[];
}

/** Pure. @param before `undefined` where nothing was wanted yet */
export function changeOf(before: Outlook | undefined, after: Outlook): OutlookChange {
  const differing = <T>(of: (outlook: Outlook) => readonly T[]): Change<T> => {
    const [old, now] = [before === undefined ? [] : of(before), of(after)];
    return {
      added: now.filter((each) => !old.includes(each)),
      removed: old.filter((each) => !now.includes(each)),
    };
  };
  return {
    tokens: differing(({ tokens }) => tokens),
    metrics: differing(({ metrics }) => metrics),
    granularities: differing((outlook) => outlook.granularities),
    settings: before === undefined ? [] : differingSettings(before, after),
    callsPerDay: after.callsPerDay - (before?.callsPerDay ?? 0),
    bytesPerYear: after.bytesPerYear - (before?.bytesPerYear ?? 0),
    requestsToFill: after.toFill.requests - (before?.toFill.requests ?? 0),
  };
}

function differingSettings(before: Outlook, after: Outlook): string[] {
  return [
    ...(before.historyStart === after.historyStart ? [] : ['HISTORY_START']),
    ...(before.settleDelay === after.settleDelay ? [] : ['SETTLE_DELAY']),
    ...(before.lookbackWindows === after.lookbackWindows ? [] : ['LOOKBACK_WINDOWS']),
    ...(before.apiVersion === after.apiVersion ? [] : ['CRYPTORACLE_API_VERSION']),
    ...granularities
      .filter((granularity) => before.keep[granularity] !== after.keep[granularity])
      .map((granularity) => `KEEP_${granularity.toUpperCase()}`),
  ];
}

/** Rows that would be removed, for they are older than they would be kept. */
export interface Loss {
  readonly granularity: Granularity;
  readonly rows: number;
}

export async function readLosses({ keep }: Outlook, { database, clock }: BackfillContext): Promise<Loss[]> {
  const losses: Loss[] = [];
  for (const granularity of granularities) {
    if (keep[granularity] === undefined) continue;
    const rows = await countOlder(database, granularity, keptFrom(keep, granularity, clock.now()));
    if (rows > 0) losses.push({ granularity, rows });
  }
  return losses;
}
