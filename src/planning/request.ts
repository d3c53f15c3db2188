import type { Granularity, MetricCode, TagCode, Token } from '../catalog/index.ts';
import type { Interval } from './interval.ts';
import { windowCount } from './windows.ts';

/** One question to the API: every metric of every token in every window of the interval. */
export interface DataRequest {
  readonly granularity: Granularity;
  readonly tokens: readonly Token[];
  readonly metrics: readonly MetricCode[];
  readonly tags: readonly TagCode[];
  /** On the granularity's grid. */
  readonly interval: Interval;
}

/**
 * The unit that the API counts against its limit: one value (token × metric × window, a tag value being one too), or one
 * row (token × window). The API page does not tell; see `RECORD_UNIT`.
 */
export type RecordUnit = 'value' | 'row';

/** Most records that an answer to the request can hold. */
export function recordsOf(request: DataRequest, unit: RecordUnit): number {
  const rows = request.tokens.length * windowCount(request.granularity, request.interval);
  return unit === 'row' ? rows : rows * (request.metrics.length + request.tags.length);
}
