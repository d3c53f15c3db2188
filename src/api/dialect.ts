import type { ApiVersion, Granularity, TagCode, Token } from '../catalog/index.ts';
import type { Instant } from '../time.ts';

/**
 * A version of the API as the rest of the program sees it: how a question is dressed, how an answer is opened, and the
 * server's side of both, so that the client and the simulator share one description.
 */

/** The secrets that the vendor may hand out. */
export const secretNames = ['apiKey', 'signSecret', 'dataSecret', 'dataIv'] as const;

export type SecretName = (typeof secretNames)[number];

/** The settings that hold them. */
export const secretSettings = {
  apiKey: 'CRYPTORACLE_API_KEY',
  signSecret: 'CRYPTORACLE_SIGN_SECRET',
  dataSecret: 'CRYPTORACLE_DATA_SECRET',
  dataIv: 'CRYPTORACLE_DATA_IV',
} as const satisfies Readonly<Record<SecretName, string>>;

/** All secrets. Only the API key ever leaves the process, and none of them is ever logged. */
export type SealedCredentials = { readonly [Name in SecretName]: string };

/** The secrets that are known: at least those that the dialect needs. */
export type Credentials = Partial<SealedCredentials> & Pick<SealedCredentials, 'apiKey'>;

/** A parameter of one of the metrics that are asked for (API page, Business Parameters). */
export interface ExtraParam {
  /** The metric's code. */
  readonly endpoint: string;
  readonly param: unknown;
}

/** The question of `POST …/endpoint`: every metric and tag of every token in every window of the interval. */
export interface MetricsQuestion {
  readonly granularity: Granularity;
  readonly tokens: readonly Token[];
  /** The API's codes, each once. */
  readonly metrics: readonly string[];
  readonly tags: readonly TagCode[];
  /** Parameters of metrics that have some; left out where none has. */
  readonly extraParams?: readonly ExtraParam[];
  /** Half-open, on the grid. */
  readonly interval: { readonly start: Instant; readonly end: Instant };
}

/** The calls of the API, as their paths below the version. */
export const calls = ['endpoint', 'coin/list'] as const;

export type Call = (typeof calls)[number];

export type Question =
  | { readonly call: 'endpoint'; readonly about: MetricsQuestion }
  | { readonly call: 'coin/list' };

/** Parameters of a call as the vendor names them, before they are dressed (API page, Business Parameters). */
export type BusinessParameters = Readonly<Record<string, unknown>>;

/** A call as it is sent. */
export interface OutgoingCall {
  /** Below the base URL, without a slash in front. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** A reply as it came, before anything of it is trusted. */
export interface Reply {
  /** HTTP status. */
  readonly status: number;
  /** The header `Retry-After`. */
  readonly retryAfter: string | null;
  readonly body: string;
}

/** A call as a server receives it. */
export interface IncomingCall {
  /** By their names in small letters. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

/** Why a server refuses a call before it reads the business parameters (API page, Error Codes). */
export interface WireRefusal {
  readonly code: 201 | 202 | 403;
  readonly message: string;
}

/** The server's side of the wire. */
export interface ServerSide {
  /** Checks who calls, and opens the call. The business parameters are still unchecked. */
  read(
    call: IncomingCall,
    credentials: SealedCredentials,
    now: Instant,
  ): { readonly business: BusinessParameters } | { readonly refusal: WireRefusal };
  /** Name of the field of an answer that holds its payload. */
  readonly payload: string;
  /** Dresses a payload, which is JSON; absent where it stands in the answer as it is. */
  readonly seal?: (payload: string, credentials: SealedCredentials) => string;
}

/**
 * Names under which the windows of a token come, in any version: what a server sends is read whatever its version is
 * said to be. Where an answer has several, none hides the others.
 */
export const windowLists = ['endPoints', 'timePeriods', 'endpoints'] as const;

/** The names of what differs between the versions in an otherwise equal answer. */
export interface AnswerFields {
  /** The list of a token's windows. */
  readonly windows: (typeof windowLists)[number];
}

export interface Dialect {
  readonly version: ApiVersion;
  /** The secrets that it needs. */
  readonly secrets: readonly SecretName[];
  readonly fields: AnswerFields;
  /** @param now for dialects that send the time */
  encode(question: Question, credentials: Credentials, now: Instant): OutgoingCall;
  /**
   * Takes the payload out of a reply, still unchecked; `null` where the API says that there is nothing.
   * @throws ApiFailure where the code is not 200, or there is no envelope that can be opened
   */
  open(reply: Reply, credentials: Credentials, now: Instant): unknown;
  readonly server: ServerSide;
}
