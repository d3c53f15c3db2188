import type { Milliseconds } from '../time.ts';

/**
 * Why a call to the API gave no answer, as kinds that the program decides by (API page, Error Codes).
 *
 * | kind | code | what follows |
 * | --- | --- | --- |
 * | `bad-request` | 201 | our request is wrong, or too large; never repeated as it is |
 * | `access-denied` | 202, 204, 401, 403 | the credentials or rights are wrong; no request will do better |
 * | `no-data` | 203 | nothing there (yet) |
 * | `metric-refused` | 205 | a metric or tag of the request is not part of the subscription |
 * | `throttled` | 429 | too many requests; wait as long as told |
 * | `transient` | anything else | retry, then leave the gap for the next plan |
 */
export type FailureKind =
  | 'bad-request'
  | 'access-denied'
  | 'no-data'
  | 'metric-refused'
  | 'throttled'
  | 'transient';

const kinds: ReadonlyMap<number, FailureKind> = new Map([
  [201, 'bad-request'],
  [202, 'access-denied'],
  // A gateway in front of the API says so to addresses that are not on the key's whitelist.
  [401, 'access-denied'],
  [203, 'no-data'],
  [204, 'access-denied'],
  [205, 'metric-refused'],
  [403, 'access-denied'],
  [429, 'throttled'],
]);

/** The kind that a `code` in the answer's envelope stands for; 200 is none. */
export function kindOfCode(code: number): FailureKind {
  return kinds.get(code) ?? 'transient';
}

/** Why an address in front of the API is refused, as far as anybody can tell from outside. */
export const whitelistHint = "your address may not be on the key's whitelist";

/** The kind that an HTTP status stands for where the body holds no code, such as a gateway's page. */
export function kindOfStatus(status: number): FailureKind {
  if (status === 401 || status === 403) return 'access-denied';
  return status === 429 ? 'throttled' : 'transient';
}

/** A failed call. The message is fit for logs: it holds neither secrets nor anything that was sent. */
export class ApiFailure extends Error {
  override readonly name = 'ApiFailure';
  readonly kind: FailureKind;
  /** The envelope's `code`, else the HTTP status, else `undefined` where there was no answer. */
  readonly code: number | undefined;
  /** How long the API asked us to wait. */
  readonly retryAfter: Milliseconds | undefined;
  /** Whether the code is an HTTP status, of an answer without an envelope. */
  readonly isStatus: boolean;

  constructor(
    kind: FailureKind,
    message: string,
    details: {
      code?: number | undefined;
      retryAfter?: Milliseconds | undefined;
      isStatus?: boolean;
      cause?: unknown;
    } = {},
  ) {
    super(message, { cause: details.cause });
    this.kind = kind;
    this.code = details.code;
    this.retryAfter = details.retryAfter;
    this.isStatus = details.isStatus ?? false;
  }

  /** Whether the same request may do better a moment later. */
  get isRetryable(): boolean {
    return this.kind === 'transient' || this.kind === 'throttled';
  }
}
