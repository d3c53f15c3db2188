import { parseBeijing } from '../beijing.ts';
import {
  type ApiVersion,
  type Granularity,
  isGranularity,
  isTagCode,
  type TagCode,
} from '../catalog/index.ts';
import type { Behaviour } from './behaviour.ts';
import type { Market } from './market.ts';
import { invalid, isObject, type JsonObject, Refusal } from './refusal.ts';
import { paramsText, type Series } from './series.ts';

/** A checked request for metrics. */
export interface Query {
  /** Known tokens only, in the order asked for, each once. */
  readonly tokens: readonly string[];
  readonly granularity: Granularity;
  readonly series: readonly Series[];
  readonly tags: readonly TagCode[];
  /** Whether the request has a list of tags at all. */
  readonly asksForTags: boolean;
  /** Milliseconds since the epoch; the texts are as they were sent. */
  readonly start: number;
  readonly end: number;
  readonly startTime: string;
  readonly endTime: string;
}

/** What a request is checked against. */
export interface Terms {
  readonly market: Market;
  readonly behaviour: Behaviour;
  readonly version: ApiVersion;
}

/** @throws Refusal with code 201, 203, 204 or 205 */
export function readQuery(business: JsonObject, terms: Terms): Query {
  const { market, behaviour } = terms;
  const asked = requireList(business, 'token');
  if (asked.length === 0) throw invalid('parameter token is empty');
  const range = readRange(business, behaviour);
  const granularity = requireText(business, 'timeType');
  if (!isGranularity(granularity)) throw invalid('parameter timeType is none of 15m, 1h, 4h, 1d');
  const series = readSeries(business, terms);
  const tags = readTags(business, behaviour);
  if (series.length === 0 && tags.length === 0) throw invalid('parameters endpoints and tags are both empty');
  const tokens = asked.filter((token) => market.knows(token));
  if (tokens.length === 0) throw new Refusal(203, 'business data missing: no such token');
  checkRights([...series.map(({ endpoint }) => endpoint), ...tags], behaviour);
  return { tokens, granularity, series, tags, asksForTags: 'tags' in business, ...range };
}

function readRange(business: JsonObject, { rangeEnd }: Behaviour) {
  const startTime = requireText(business, 'startTime');
  const endTime = requireText(business, 'endTime');
  const start = requireTime(startTime, 'startTime');
  const end = requireTime(endTime, 'endTime');
  if (start > end || (start === end && rangeEnd === 'exclusive')) {
    throw invalid('parameter startTime is not before endTime');
  }
  return { start, end, startTime, endTime };
}

function readSeries(business: JsonObject, { market, behaviour, version }: Terms): Series[] {
  const isServed = (code: string) =>
    market.catalogue.metrics.some(
      ({ endpoint, versions }) => endpoint === code && versions.includes(version),
    );
  const params = readExtraParams(business, behaviour);
  return requireList(business, 'endpoints').flatMap((endpoint) => {
    if (!isServed(endpoint)) {
      if (behaviour.unknownCodes === 'absent') return [];
      if (behaviour.unknownCodes === '201') throw invalid('parameter endpoints holds an unknown code');
      if (behaviour.unknownCodes === '205') throw new Refusal(205, `no permission for metric ${endpoint}`);
    }
    return [market.series.asked(endpoint, params.get(endpoint))];
  });
}

function readTags(business: JsonObject, { tagsOptional, allowEmptyTags }: Behaviour): TagCode[] {
  if (tagsOptional && (business.tags === undefined || business.tags === null)) return [];
  const tags = requireList(business, 'tags');
  if (tags.length === 0 && !allowEmptyTags) throw invalid('parameter tags is empty');
  return tags.map((text) => {
    if (!isTagCode(text)) throw invalid('parameter tags holds an unknown code');
    return text;
  });
}

function checkRights(codes: readonly string[], { refusedMetrics, refusedEndpoints }: Behaviour): void {
  const refused = codes.find((code) => refusedMetrics.has(code));
  if (refused !== undefined) throw new Refusal(205, `no permission for metric ${refused}`);
  if (refusedEndpoints.has('endpoint')) throw new Refusal(204, 'no access to endpoint');
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

function requireTime(text: string, field: string): number {
  const instant = /^\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}$/.test(text) ? parseBeijing(text) : undefined;
  if (instant === undefined) throw invalid(`parameter ${field} is not a time as yyyy-MM-dd HH:mm:ss`);
  return instant;
}

/** @returns the parameters of each code that has some, as one text */
function readExtraParams({ extraParams }: JsonObject, behaviour: Behaviour): ReadonlyMap<string, string> {
  const params = new Map<string, string>();
  if (extraParams === undefined || extraParams === null) return params;
  if (behaviour.extraParams === 'refused') throw invalid('parameter extraParams is not known');
  const wrong = invalid('parameter extraParams is not a list of {endpoint, param}');
  if (!Array.isArray(extraParams)) throw wrong;
  for (const entry of extraParams as readonly unknown[]) {
    if (!isObject(entry) || typeof entry.endpoint !== 'string' || !('param' in entry)) throw wrong;
    if (params.has(entry.endpoint)) throw invalid('parameter extraParams names an endpoint twice');
    params.set(entry.endpoint, paramsText(entry.param));
  }
  return behaviour.extraParams === 'ignored' ? new Map() : params;
}
