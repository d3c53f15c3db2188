import { decrypt } from '../api/dialects/cipher.ts';
import { isSignedBy } from '../api/dialects/signature.ts';
import type { Credentials, WireProfile } from '../api/dialects/wire.ts';
import { invalid, isObject, type JsonObject, parseJson, Refusal } from './refusal.ts';

/** How far a request's timestamp may be from the simulator's clock, in milliseconds. */
const timestampTolerance = 5 * 60_000;

const ciphertextForm: Readonly<Record<WireProfile['ciphertext'], RegExp>> = {
  base64: /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/,
  hex: /^(?:[0-9a-fA-F]{2})+$/,
};

/**
 * Checks the envelope of a request and opens it.
 *
 * @param now milliseconds since the epoch
 * @returns the business parameters, still unchecked
 * @throws Refusal with code 201, 202 or 403
 */
export function openRequest(
  body: string,
  credentials: Credentials,
  wire: WireProfile,
  now: number,
): JsonObject {
  const envelope = parseJson(body);
  if (!isObject(envelope)) throw invalid('the body is not a JSON object');
  const apiKey = requireText(envelope, 'apiKey');
  const payload = requireText(envelope, wire.payload);
  const signature = requireText(envelope, 'sign');
  checkTimestamp(envelope, wire, now);
  if (apiKey !== credentials.apiKey) throw new Refusal(202, 'unauthorized: unknown apiKey');
  if (wire.signed === 'envelope') {
    checkSignature(signature, envelope, credentials, wire);
    return decryptBusiness(payload, credentials, wire);
  }
  const business = decryptBusiness(payload, credentials, wire);
  checkSignature(signature, business, credentials, wire);
  return business;
}

function requireText(envelope: JsonObject, field: string): string {
  const value = envelope[field];
  if (typeof value !== 'string' || value === '') throw invalid(`parameter ${field} is missing or not a text`);
  return value;
}

function checkTimestamp(envelope: JsonObject, wire: WireProfile, now: number): void {
  if (wire.timestamp === 'none') return;
  const { timestamp } = envelope;
  if (typeof timestamp !== 'number' || !Number.isInteger(timestamp)) {
    throw invalid('parameter timestamp is missing or not a whole number');
  }
  const sent = wire.timestamp === 's' ? timestamp * 1_000 : timestamp;
  if (Math.abs(now - sent) > timestampTolerance) {
    throw invalid('parameter timestamp is more than 5 minutes from the current time');
  }
}

function checkSignature(
  given: string,
  signed: JsonObject,
  credentials: Credentials,
  wire: WireProfile,
): void {
  if (!isSignedBy(given, signed, credentials.signSecret, wire.sign)) {
    throw new Refusal(403, 'signature verification failed');
  }
}

function decryptBusiness(payload: string, credentials: Credentials, wire: WireProfile): JsonObject {
  const business = parseJson(tryDecrypt(payload, credentials, wire));
  if (!isObject(business)) throw invalid(`parameter ${wire.payload} cannot be decrypted to a JSON object`);
  return business;
}

function tryDecrypt(payload: string, credentials: Credentials, wire: WireProfile): string {
  // Node skips what is no base64 or hex without a word.
  if (!ciphertextForm[wire.ciphertext].test(payload)) return '';
  try {
    return decrypt(payload, credentials, wire.ciphertext);
  } catch {
    return '';
  }
}
