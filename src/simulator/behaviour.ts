import { z } from 'zod';
import type { ApiVersion } from '../catalog/index.ts';
import { dayStarts } from './grid.ts';
import { calls } from './settings.ts';

const codes = z
  .union([z.set(z.string()), z.array(z.string()).transform((list) => new Set(list))])
  .default(new Set<string>());

const refusedCalls = z
  .union([z.set(z.enum(calls)), z.array(z.enum(calls)).transform((list) => new Set(list))])
  .default(new Set<(typeof calls)[number]>());

const share = z.number().min(0).max(1);

/** Zod's own number is never infinite. */
const perSecond = z
  .custom<number>((value) => typeof value === 'number' && value > 0, 'must be more than 0')
  .meta({ type: 'number' });

/**
 * How the simulator answers where the vendor's pages leave it open. Every field can change while it runs. The
 * descriptions are what `simulate --help` prints.
 */
export const behaviourSchema = z.strictObject({
  dayStart: z.enum(dayStarts).default('08:00').describe('when a 1d window starts, Beijing time'),
  recordLimit: z.int().min(1).default(2_000).describe('most records in one answer'),
  recordUnit: z
    .enum(['value', 'row'])
    .default('value')
    .describe('what counts as a record: a value, or a token in a window'),
  overLimit: z
    .enum(['error', 'cut'])
    .default('error')
    .describe('above the limit: code 201, or an answer cut short without a word'),
  rateLimit: perSecond
    .default(Number.POSITIVE_INFINITY)
    .describe('most requests in a rolling second; more are answered with HTTP 429'),
  retryAfter: z.boolean().default(true).describe('whether that 429 carries a Retry-After header'),
  emptyAnswer: z
    .enum(['list', 'nothing', '203', 'null', 'absent'])
    .default('list')
    .describe('nothing there: tokens without windows, [], code 203, null, no data'),
  lackingTokens: z
    .enum(['listed', 'absent'])
    .default('listed')
    .describe('tokens without windows, among others that have some'),
  unknownCodes: z
    .enum(['201', '205', 'absent', 'served'])
    .default('201')
    .describe('metric codes that the version lacks: a code, left out, or made-up values'),
  allowEmptyTags: z.boolean().default(true).describe('whether an empty list of tags is accepted'),
  tagsOptional: z.boolean().default(false).describe('whether the list of tags may be left out'),
  extraParams: z.enum(['honoured', 'ignored', 'refused']).default('honoured').describe('what extraParams do'),
  rangeEnd: z
    .enum(['exclusive', 'inclusive'])
    .default('exclusive')
    .describe('whether a window that starts at endTime is answered'),
  windowEnd: z
    .enum(['inclusive', 'exclusive'])
    .default('inclusive')
    .describe('endTime of an hour: 00:59:59 or 01:00:00'),
  runningWindow: share.default(0).describe('share of the answers that hold the window that is open, too'),
  windowsField: z
    .enum(['endPoints', 'timePeriods', 'endpoints'])
    .default('endPoints')
    .describe('name of the list of windows'),
  order: z.enum(['oldest', 'newest']).default('oldest').describe('which window comes first'),
  valuesAs: z.enum(['string', 'number']).default('string').describe('how values are written'),
  noValueAs: z.enum(['empty', 'null', 'absent']).default('empty').describe('a value that is not there yet'),
  tagsShape: z
    .enum(['flat', 'windows', 'map'])
    .default('flat')
    .describe('tags as a list, as windows with lists, or an object by code'),
  tagKey: z
    .enum(['tag', 'endpoint', 'code', 'tagCode', 'name'])
    .default('tag')
    .describe("name of the field with a tag's code"),
  tagValueKey: z
    .enum(['value', 'tagValue'])
    .default('value')
    .describe("name of the field with a tag's value"),
  ecosystemAs: z
    .enum(['text', 'object'])
    .default('text')
    .describe('the ecosystem tag as JSON text or object'),
  coinListShape: z.enum(['strings', 'objects']).default('strings').describe('items of the token list'),
  coinKey: z
    .enum(['token', 'symbol', 'coin', 'coinSymbol', 'tokenSymbol', 'code'])
    .default('token')
    .describe('name of the field with the token, where items are objects'),
  coinListUnder: z
    .enum(['none', 'list', 'tokens'])
    .default('none')
    .describe('whether the token list stands in an object, under which name'),
  coinList: z
    .enum(['whole', 'short', 'garbage'])
    .default('whole')
    .describe('the token list: all, only ["BTC"], or 9,994 names that are none'),
  unlistedTokens: codes.describe('tokens that the token list does not name'),
  coinListFails: z.boolean().default(false).describe('whether the token list answers HTTP 404'),
  messageField: z
    .enum(['msg', 'message'])
    .default('msg')
    .describe("name of the field with the answer's words"),
  innerEnvelope: z
    .boolean()
    .default(false)
    .describe('whether the payload is {code, msg, data}, with the code that counts'),
  payloadAs: z.enum(['encrypted', 'plain']).default('encrypted').describe('v1: payload of an answer'),
  clockOffset: z
    .int()
    .min(-86_400_000)
    .max(86_400_000)
    .default(0)
    .describe("how far the API's clock is ahead, in milliseconds"),
  refusedMetrics: codes.describe('metric and tag codes that are answered with code 205'),
  refusedEndpoints: refusedCalls.describe('calls that are answered with code 204'),
});

export type Behaviour = z.infer<typeof behaviourSchema>;

export const defaultBehaviour: Behaviour = behaviourSchema.parse({});

/** What differs from v1, by the vendor's later pages and by what live clients see. */
const plainVersions: Partial<Behaviour> = {
  windowsField: 'timePeriods',
  order: 'newest',
  tagsOptional: true,
  coinListFails: true,
};

/** How a version of the API behaves, with changes on top. */
export function behaviourOf(version: ApiVersion, changes: Partial<Behaviour> = {}): Behaviour {
  return { ...defaultBehaviour, ...(version === 'v1' ? {} : plainVersions), ...changes };
}
