import type { Credentials } from '../api/dialects/wire.ts';

/** The credentials on the vendor's public sample page; worth nothing at the real API. */
export const sampleCredentials: Credentials = {
  apiKey: 'cryptoracle',
  signSecret: 'cryptoracletest1',
  dataSecret: 'cryptoracletest1',
  dataIv: 'cryptoracletest1',
};

/** The calls of the API, as their paths below the version. */
export const calls = ['endpoint', 'coin/list'] as const;

export type Call = (typeof calls)[number];

/** How the simulator answers where the API page leaves it open; every field can change while it runs. */
export interface Behaviour {
  /** Whether a request for no tags at all is accepted. */
  readonly allowEmptyTags: boolean;
  /** What is answered where nothing that was asked for is published: the tokens without windows, or code 203. */
  readonly emptyAnswer: 'list' | '203';
  /** Most records in one answer. */
  readonly recordLimit: number;
  /** What counts as a record: a value (a tag value too), or a row (token × window). */
  readonly recordUnit: 'value' | 'row';
  /** Above the limit: code 201, or an answer cut without a word. */
  readonly overLimit: 'error' | 'cut';
  /** Whether the window that starts at `endTime` is answered too. */
  readonly rangeEnd: 'exclusive' | 'inclusive';
  /** Name of the list of windows in an answer. */
  readonly windowsField: 'endPoints' | 'timePeriods' | 'endpoints';
  /** Order of the windows in an answer. */
  readonly order: 'oldest' | 'newest';
  readonly valuesAs: 'string' | 'number';
  /** How a value that is not published yet is written. */
  readonly noValueAs: 'empty' | 'null' | 'absent';
  /** Tags as one flat list, or as a list of windows. */
  readonly tagsShape: 'flat' | 'windows';
  /** Name of the field with a tag's code. */
  readonly tagKey: 'tag' | 'endpoint' | 'code';
  /** The ecosystem tag as a text that holds JSON, or as an object. */
  readonly ecosystemAs: 'text' | 'object';
  readonly coinListShape: 'strings' | 'objects';
  /** Whether the token list answers HTTP 404, as it did for clients of later versions. */
  readonly coinListFails: boolean;
  /** Whether the payload of an answer is encrypted, or plain JSON. */
  readonly payloadAs: 'encrypted' | 'plain';
  /** Metric and tag codes that are answered with code 205. */
  readonly refusedMetrics: ReadonlySet<string>;
  /** Calls that are answered with code 204. */
  readonly refusedEndpoints: ReadonlySet<Call>;
  /** Most requests in a rolling second; above it HTTP 429. */
  readonly rateLimit: number;
}

export const defaultBehaviour: Behaviour = {
  allowEmptyTags: true,
  emptyAnswer: 'list',
  recordLimit: 2_000,
  recordUnit: 'value',
  overLimit: 'error',
  rangeEnd: 'exclusive',
  windowsField: 'endPoints',
  order: 'oldest',
  valuesAs: 'string',
  noValueAs: 'empty',
  tagsShape: 'flat',
  tagKey: 'tag',
  ecosystemAs: 'text',
  coinListShape: 'strings',
  coinListFails: false,
  payloadAs: 'encrypted',
  refusedMetrics: new Set(),
  refusedEndpoints: new Set(),
  rateLimit: Number.POSITIVE_INFINITY,
};
