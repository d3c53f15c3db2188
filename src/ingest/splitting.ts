import { type MetricCode, metricCodes, type TagCode, tagCodes, windowLength } from '../catalog/index.ts';
import type { DataRequest } from '../planning/request.ts';
import { windowCount } from '../planning/windows.ts';

/** Two requests that ask together what the one asked, or `undefined` where it is a single cell. */
export function halve(request: DataRequest): readonly DataRequest[] | undefined {
  return halveWindows(request) ?? halveTokens(request) ?? halveCodes(request);
}

function halveWindows(request: DataRequest): readonly DataRequest[] | undefined {
  const windows = windowCount(request.granularity, request.interval);
  if (windows < 2) return undefined;
  const { start, end } = request.interval;
  const middle = start + Math.floor(windows / 2) * windowLength[request.granularity];
  return [
    { ...request, interval: { start: middle, end } },
    { ...request, interval: { start, end: middle } },
  ];
}

export function halveTokens(request: DataRequest): readonly DataRequest[] | undefined {
  const { tokens } = request;
  if (tokens.length < 2) return undefined;
  const middle = Math.ceil(tokens.length / 2);
  return [
    { ...request, tokens: tokens.slice(0, middle) },
    { ...request, tokens: tokens.slice(middle) },
  ];
}

/** Metrics and tags of the request. */
export function codesOf(request: DataRequest): readonly (MetricCode | TagCode)[] {
  return [...request.metrics, ...request.tags];
}

/** The request for some of its codes only. */
export function withCodes(request: DataRequest, keep: (code: MetricCode | TagCode) => boolean): DataRequest {
  return { ...request, metrics: request.metrics.filter(keep), tags: request.tags.filter(keep) };
}

export function halveCodes(request: DataRequest): readonly DataRequest[] | undefined {
  const codes = codesOf(request);
  if (codes.length < 2) return undefined;
  const first = new Set(codes.slice(0, Math.ceil(codes.length / 2)));
  return [withCodes(request, (code) => first.has(code)), withCodes(request, (code) => !first.has(code))];
}

/** What is sent along unwanted: `endpoints` may not be empty, and perhaps `tags` neither. Its values are dropped. */
export interface FillerCodes {
  readonly metric: MetricCode | undefined;
  /** `undefined` where an empty list of tags is fine. */
  readonly tag: TagCode | undefined;
}

/**
 * What comes along where the API wants a metric or a tag that we do not: one that it does not refuse, and best one that it
 * has answered before.
 */
export function fillersFor(
  request: DataRequest,
  { refused, granted }: Readonly<Record<'refused' | 'granted', ReadonlySet<MetricCode | TagCode>>>,
  sendsTagAlways: boolean,
): FillerCodes {
  const choose = <Code extends MetricCode | TagCode>(codes: readonly Code[]) =>
    codes.find((code) => granted.has(code)) ?? codes.find((code) => !refused.has(code));
  if (request.metrics.length > 0 && !sendsTagAlways) return { metric: undefined, tag: undefined };
  return { metric: choose(metricCodes), tag: sendsTagAlways ? choose(tagCodes) : undefined };
}

/** The request as it is sent. */
export function withFillers(request: DataRequest, { metric, tag }: FillerCodes): DataRequest {
  return {
    ...request,
    metrics: request.metrics.length === 0 && metric !== undefined ? [metric] : request.metrics,
    tags: request.tags.length === 0 && tag !== undefined ? [tag] : request.tags,
  };
}

/** What would come along with the request, if anything. */
export function fillerOf(
  request: DataRequest,
  { metric, tag }: FillerCodes,
): MetricCode | TagCode | undefined {
  return request.metrics.length === 0 ? metric : request.tags.length === 0 ? tag : undefined;
}

/**
 * Whether the answer might exceed the limit by some reading of the API page: every value a record, the window at
 * the range's end included, a filler and a tag on top.
 */
export function mayExceed(request: DataRequest, limit: number): boolean {
  const windows = windowCount(request.granularity, request.interval) + 1;
  return request.tokens.length * windows * (codesOf(request).length + 1) > limit;
}
