import { parseBeijing } from '../beijing.ts';
import {
  type Granularity,
  isGranularity,
  isMetricCode,
  isTagCode,
  type MetricCode,
  type TagCode,
} from '../catalog/index.ts';
import type { Market } from './market.ts';
import { invalid, isObject, type JsonObject, Refusal } from './refusal.ts';
import type { Behaviour } from './settings.ts';

/** A checked request for metrics. */
export interface Query {
  /** Known tokens only, in the order asked for, each once. */
  readonly tokens: readonly string[];
  readonly granularity: Granularity;
  readonly metrics: readonly MetricCode[];
  readonly tags: readonly TagCode[];
  /** Milliseconds since the epoch; the texts are as they were sent. */
  readonly start: number;
  readonly end: number;
  readonly startTime: string;
  readonly endTime: string;
}

/** @throws Refusal with code 201, 203, 204 or 205 */
export function readQuery(business: JsonObject, market: Market, behaviour: Behaviour): Query {
  const asked = requireList(business, 'token');
  if (asked.length === 0) throw invalid('parameter token is empty');
  const startTime = requireText(business, 'startTime');
  const endTime = requireText(business, 'endTime');
  const start = requireTime(startTime, 'startTime');
  const end = requireTime(endTime, 'endTime');
  if (start > end || (start === end && behaviour.rangeEnd === 'exclusive')) {
    throw invalid('parameter startTime is not before endTime');
  }
  const granularity = requireText(business, 'timeType');
  if (!isGranularity(granularity)) throw invalid('parameter timeType is none of 15m, 1h, 4h, 1d');
  const metrics = requireCodes(business, 'endpoints', isMetricCode);
  const tags = requireCodes(business, 'tags', isTagCode);
  if (tags.length === 0 && !behaviour.allowEmptyTags) throw invalid('parameter tags is empty');
  if (metrics.length === 0 && tags.length === 0)
    throw invalid('parameters endpoints and tags are both empty');
  checkExtraParams(business);
  const tokens = asked.filter((token) => market.knows(token));
  if (tokens.length === 0) throw new Refusal(203, 'business data missing: no such token');
  const refused = [...metrics, ...tags].find((code) => behaviour.refusedMetrics.has(code));
  if (refused !== undefined) throw new Refusal(205, `no permission for metric ${refused}`);
  if (behaviour.refusedEndpoints.has('endpoint')) throw new Refusal(204, 'no access to endpoint');
  return { tokens, granularity, metrics, tags, start, end, startTime, endTime };
}

function requireText(business: JsonObject, field: string): string {
  const value = business[field];
  if (typeof value !== 'string' || value === '') throw invalid(`parameter ${field} is missing or not a text`);
  return value;
}

function requireList(business: JsonObject, field: string): string[] {
  const value = business[field];
  if (!Array.isArray(value)) throw invalid(`parameter ${field} is missing or not a list`);
  const texts = value.filter((item): item is string => typeof item === 'string' && item !== '');
  if (texts.length !== value.length) throw invalid(`parameter ${field} holds something that is not a text`);
  return [...new Set(texts)];
}

function requireCodes<Code extends string>(
  business: JsonObject,
  field: string,
  isCode: (text: string) => text is Code,
): Code[] {
  return requireList(business, field).map((text) => {
    if (!isCode(text)) throw invalid(`parameter ${field} holds an unknown code`);
    return text;
  });
}

function requireTime(text: string, field: string): number {
  const instant = /^\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}$/.test(text) ? parseBeijing(text) : undefined;
  if (instant === undefined) throw invalid(`parameter ${field} is not a time as yyyy-MM-dd HH:mm:ss`);
  return instant;
}

function checkExtraParams({ extraParams }: JsonObject): void {
  if (extraParams === undefined || extraParams === null) return;
  const isValid =
    Array.isArray(extraParams) &&
    extraParams.every((entry) => isObject(entry) && typeof entry.endpoint === 'string' && 'param' in entry);
  if (!isValid) throw invalid('parameter extraParams is not a list of {endpoint, param}');
}
