import { type DayStart, type TagCode, type Token, windowLength } from '../catalog/index.ts';
import type { Instant, Milliseconds } from '../time.ts';
import type { Interval } from './interval.ts';
import type { DataRequest, RecordUnit } from './request.ts';
import { settledUntil } from './windows.ts';

/** The newest day that has settled: the one whose tags are wanted. It is named by the Beijing date of its start. */
export function newestDay(now: Instant, settleDelay: Milliseconds, dayStart: DayStart): Interval {
  const end = settledUntil('1d', now, settleDelay, dayStart);
  return { start: end - windowLength['1d'], end };
}

/** Requests for tags that are missing, each within the limit. */
export function tagRequests(
  gaps: readonly {
    readonly tokens: readonly Token[];
    readonly metrics: readonly TagCode[];
    readonly interval: Interval;
  }[],
  rules: { readonly recordLimit: number; readonly recordUnit: RecordUnit },
): DataRequest[] {
  // A metric comes along, since the API's list of metrics may not be empty.
  const mostTags = rules.recordUnit === 'row' ? Number.POSITIVE_INFINITY : Math.max(1, rules.recordLimit - 1);
  return gaps.flatMap(({ tokens, metrics, interval }) => {
    if (metrics.length > mostTags) {
      const parts = [metrics.slice(0, mostTags), metrics.slice(mostTags)];
      return tagRequests(
        parts.map((part) => ({ tokens, metrics: part, interval })),
        rules,
      );
    }
    const tags = metrics;
    const perToken = rules.recordUnit === 'row' ? 1 : tags.length + 1;
    const most = Math.max(1, Math.floor(rules.recordLimit / perToken));
    const requests: DataRequest[] = [];
    for (let first = 0; first < tokens.length; first += most) {
      requests.push({
        granularity: '1d',
        tokens: tokens.slice(first, first + most),
        metrics: [],
        tags,
        interval,
      });
    }
    return requests;
  });
}
