import { oneLine } from '../../errors.ts';
import type { Instant, Milliseconds } from '../../time.ts';
import type { Credentials, Reply } from '../dialect.ts';
import { ApiFailure, kindOfCode, kindOfStatus, whitelistHint } from '../failure.ts';
import { isJson, type Json, parseJson } from '../json.ts';
import { parseRetryAfter } from '../retry.ts';
import { redactText, redactValue } from '../secrets.ts';

/** The envelope `{code, msg, data}` that answers of all versions come in. */

export interface EnvelopeForm {
  /** Names that the payload may have; the first that is there counts. */
  readonly payload: readonly string[];
  /** Turns a payload that came as a text into JSON text. @throws Error where it cannot be read */
  readonly open: (text: string) => string;
}

/** Most envelopes within one another; the API may encrypt an envelope of its own (nobody tells). */
const deepest = 4;

/**
 * Takes the payload out of the envelope that came back, still unchecked; `null` where there is none.
 *
 * @throws ApiFailure where the code is not 200, or there is no envelope that can be opened
 */
export function openEnvelope(
  reply: Reply,
  credentials: Credentials,
  now: Instant,
  form: EnvelopeForm,
): unknown {
  const retryAfter = parseRetryAfter(reply.retryAfter, now);
  const envelope = parseEnvelope(reply);
  const code = readCode(envelope?.code);
  if (envelope === undefined || code === undefined) throw statusFailure(reply.status, retryAfter);
  const surroundings = { form, credentials, retryAfter, body: reply.body };
  let payload = payloadOf(envelope, code, surroundings);
  for (let depth = 1; depth < deepest; depth++) {
    const inner = isJson(payload) ? payload : undefined;
    const innerCode = readCode(inner?.code);
    if (inner === undefined || innerCode === undefined) return payload;
    payload = payloadOf(inner, innerCode, surroundings);
  }
  return payload;
}

function statusFailure(status: number, retryAfter: Milliseconds | undefined): ApiFailure {
  const isOk = status >= 200 && status < 300;
  const kind = kindOfStatus(status);
  const hint = kind === 'access-denied' ? `: ${whitelistHint}` : '';
  const what = isOk ? 'the answer is no JSON envelope with a code' : `HTTP status ${status}${hint}`;
  return new ApiFailure(kind, what, { code: status, retryAfter, isStatus: true });
}

interface Surroundings {
  readonly form: EnvelopeForm;
  readonly credentials: Credentials;
  readonly retryAfter: Milliseconds | undefined;
  readonly body: string;
}

/**
 * The payload without our secrets: what of it cannot be stored is kept in quarantine, and printed from there.
 * @throws ApiFailure where the code is not 200, or the payload cannot be opened
 */
function payloadOf(envelope: Json, code: number, surroundings: Surroundings): unknown {
  const { form, credentials, retryAfter, body } = surroundings;
  if (code !== 200) {
    const words = quote(envelope.msg ?? envelope.message, credentials);
    const hint = code === 401 ? `; ${whitelistHint}` : '';
    throw new ApiFailure(kindOfCode(code), `code ${code}${words}${hint}`, { code, retryAfter });
  }
  const name = form.payload.find((each) => Object.hasOwn(envelope, each));
  const payload = (name === undefined ? undefined : envelope[name]) ?? null;
  if (typeof payload !== 'string') return redactValue(payload, body, credentials);
  try {
    const text = form.open(payload);
    return redactValue(parseJson(text, code), text, credentials);
  } catch (error) {
    if (error instanceof ApiFailure) throw error;
    // The cause is left out: a JSON parser quotes what it could not read.
    throw new ApiFailure('transient', 'the answer cannot be decrypted, or holds no JSON', { code });
  }
}

function parseEnvelope({ body, status }: Reply): Json | undefined {
  try {
    const parsed = parseJson(body, status);
    return isJson(parsed) ? parsed : undefined;
  } catch (error) {
    if (error instanceof ApiFailure) throw error;
    return undefined;
  }
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
  // Cut last: a secret cut in two would be blotted out no more.
  const words = oneLine(redactText(message, credentials)).slice(0, 200).toWellFormed();
  return words === '' ? '' : `: ${words}`;
}
