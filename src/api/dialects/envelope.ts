import { oneLine } from '../../errors.ts';
import { ApiFailure, kindOfCode } from '../failure.ts';
import { parseRetryAfter } from '../retry.ts';
import { decrypt, encrypt } from './cipher.ts';
import { sign } from './signature.ts';
import type { Credentials, WireProfile } from './wire.ts';

export type Envelope = Readonly<Record<string, string | number>>;

/**
 * Puts business parameters into the envelope that is sent: encrypted, with the API key, and signed.
 *
 * @param now milliseconds since the epoch, for profiles that carry a timestamp
 */
export function seal(
  business: Readonly<Record<string, unknown>>,
  credentials: Credentials,
  wire: WireProfile,
  now: number,
): Envelope {
  const envelope: Record<string, string | number> = {
    apiKey: credentials.apiKey,
    [wire.payload]: encrypt(JSON.stringify(business), credentials, wire.ciphertext),
  };
  if (wire.timestamp === 'ms') envelope.timestamp = now;
  if (wire.timestamp === 's') envelope.timestamp = Math.floor(now / 1000);
  const signed = wire.signed === 'envelope' ? envelope : business;
  return { ...envelope, sign: sign(signed, credentials.signSecret, wire.sign) };
}

/** What came back, before anything of it is believed. */
export interface Reply {
  /** HTTP status. */
  readonly status: number;
  /** The header `Retry-After`. */
  readonly retryAfter: string | null;
  readonly body: string;
}

/**
 * Takes the payload out of the envelope that came back: decrypted where it is encrypted, still unchecked.
 *
 * @param now milliseconds since the epoch
 * @throws ApiFailure where the code is not 200, or there is no envelope that can be opened
 */
export function unseal(reply: Reply, credentials: Credentials, wire: WireProfile, now: number): unknown {
  const envelope = parseEnvelope(reply);
  const code = readCode(envelope?.code);
  const retryAfter = parseRetryAfter(reply.retryAfter, now);
  if (envelope === undefined || code === undefined) {
    const kind = reply.status === 429 ? 'throttled' : 'transient';
    const isOk = reply.status >= 200 && reply.status < 300;
    const what = isOk ? 'the answer is no JSON envelope with a code' : `HTTP status ${reply.status}`;
    throw new ApiFailure(kind, what, { code: reply.status, retryAfter });
  }
  if (code !== 200) {
    throw new ApiFailure(kindOfCode(code), `code ${code}${quote(envelope.msg, credentials)}`, {
      code,
      retryAfter,
    });
  }
  const payload = envelope[wire.payload];
  if (typeof payload !== 'string') return payload;
  try {
    return parse(decrypt(payload, credentials, wire.ciphertext), code);
  } catch (error) {
    if (error instanceof ApiFailure) throw error;
    // The cause is left out: a JSON parser quotes what it could not read.
    throw new ApiFailure('transient', 'the answer cannot be decrypted, or holds no JSON', { code });
  }
}

function parseEnvelope({ body, status }: Reply): Readonly<Record<string, unknown>> | undefined {
  try {
    const parsed = parse(body, status);
    return typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)
      ? (parsed as Record<string, unknown>)
      : undefined;
  } catch (error) {
    if (error instanceof ApiFailure) throw error;
    return undefined;
  }
}

/**
 * Most lists, objects and further members of an answer. A value has three, so this is several times what the largest
 * record limit asks for; as memory it is some 200 MB at worst, where 32 MiB of `{},{},…` or `[[[…` take 2 GB.
 */
const mostParts = 1_000_000;

/** @throws ApiFailure (`transient`) where the text has too many parts, SyntaxError where it is no JSON */
function parse(text: string, code: number): unknown {
  if (hasTooManyParts(text)) {
    throw new ApiFailure('transient', `the answer has more than ${mostParts} parts`, { code });
  }
  return JSON.parse(text);
}

/** Counts what opens or divides. What stands within texts counts as well: an answer has next to none of it. */
function hasTooManyParts(text: string): boolean {
  if (text.length <= mostParts) return false;
  let parts = 0;
  for (let at = 0; at < text.length; at++) {
    const mark = text[at];
    if (mark === ',' || mark === '[' || mark === '{') parts++;
  }
  return parts > mostParts;
}

/** A whole number that the request log can hold: 32 bits. */
function readCode(code: unknown): number | undefined {
  const number = typeof code === 'string' && code.trim() !== '' ? Number(code) : code;
  return typeof number === 'number' && number === (number | 0) ? number : undefined;
}

/** Longer than any words for people, in characters. */
const longestWords = 10_000;

/** The API's own words, shortened, on one line, and without our secrets should it echo them. */
function quote(message: unknown, credentials: Credentials): string {
  if (typeof message !== 'string' || message.length > longestWords) return '';
  // The longest first: one may be the beginning of another.
  const secrets = Object.values(credentials)
    .filter((secret) => secret !== '')
    .sort((a, b) => b.length - a.length);
  const safe = secrets.reduce((text, secret) => text.replaceAll(secret, '[redacted]'), message);
  // Cut last: a secret cut in two would be blotted out no more.
  const words = oneLine(safe).slice(0, 200).toWellFormed();
  return words === '' ? '' : `: ${words}`;
}
