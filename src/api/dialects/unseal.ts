import { parseBeijing } from '../../beijing.ts';
import type { Instant } from '../../time.ts';
import type { BusinessParameters, IncomingCall, SealedCredentials, WireRefusal } from '../dialect.ts';
import { isJson, type Json } from '../json.ts';
import { decrypt } from './cipher.ts';
import { signedWithin } from './seal.ts';
import { isSignedBy, type SignedParameters } from './signature.ts';
import type { WireProfile } from './wire.ts';

/** The server's side of {@link seal}: checks a call and opens it. */

/** How far the time of a call may be from the server's clock. */
const timestampTolerance = 5 * 60_000;

const ciphertextForms: Readonly<Record<Exclude<WireProfile['ciphertext'], 'none'>, RegExp>> = {
  base64: /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/,
  hex: /^(?:[0-9a-f]{2})+$/,
  HEX: /^(?:[0-9A-F]{2})+$/,
};

type Unsealed = { readonly business: BusinessParameters } | { readonly refusal: WireRefusal };

class Refused extends Error {
  readonly refusal: WireRefusal;

  constructor(code: WireRefusal['code'], message: string) {
    super(message);
    this.refusal = { code, message };
  }
}

const invalid = (message: string) => new Refused(201, message);

export function unsealCall(
  call: IncomingCall,
  credentials: SealedCredentials,
  wire: WireProfile,
  now: Instant,
): Unsealed {
  try {
    return { business: open(call, credentials, wire, now) };
  } catch (error) {
    if (error instanceof Refused) return { refusal: error.refusal };
    throw error;
  }
}

/** @throws Refused */
function open(
  { headers, body }: IncomingCall,
  credentials: SealedCredentials,
  wire: WireProfile,
  now: Instant,
): BusinessParameters {
  const envelope = parseObject(body);
  if (envelope === undefined) throw invalid('the body is not a JSON object');
  const payload = wire.ciphertext === 'none' ? 'none' : envelope[wire.payload];
  if (typeof payload !== 'string' || payload === '') {
    throw invalid(`parameter ${wire.payload} is missing or not a text`);
  }
  const header = (name: string) => headers[name.toLowerCase()];
  checkKey(wire.keyPlace === 'header' ? header(wire.keyName) : envelope[wire.keyName], credentials);
  const unique = uniqueOf(envelope, wire, now);
  const { [wire.signName]: bodySign, ...unsigned } = envelope;
  const plaintext = plaintextOf(unsigned, payload, credentials, wire);
  const { [wire.signName]: innerSign, ...inner } = plaintext;
  const given = { body: bodySign, header: header(wire.signName), payload: innerSign }[wire.signPlace];
  const business = wire.signPlace === 'payload' ? inner : plaintext;
  const key = { [wire.keyName]: credentials.apiKey };
  const signed =
    wire.signed === 'envelope'
      ? inOrder({ ...key, ...unsigned }, wire)
      : signedWithin(wire, key, unique, business);
  checkSignature(given, signed, credentials, wire);
  if (wire.keyPlace === 'both') checkKey(business[wire.keyName], credentials);
  return withoutNames(business, wire.keyPlace === 'both' ? [wire.keyName] : []);
}

/** @throws Refused with code 202 */
function checkKey(given: unknown, { apiKey }: SealedCredentials): void {
  if (typeof given !== 'string' || given === '') throw new Refused(202, 'unauthorized: no API key');
  if (given !== apiKey) throw new Refused(202, 'unauthorized: unknown API key');
}

/** The time and what else never repeats. @throws Refused with code 201 */
function uniqueOf(envelope: Json, wire: WireProfile, now: Instant): SignedParameters {
  const unique: Record<string, unknown> = {};
  if (wire.timestamp !== 'none') {
    const given = envelope[wire.timestampName];
    const sent = readTimestamp(given, wire.timestamp);
    if (sent === undefined) throw invalid(`parameter ${wire.timestampName} is missing or no time`);
    if (Math.abs(now - sent) > timestampTolerance) {
      throw invalid(`parameter ${wire.timestampName} is more than 5 minutes from the current time`);
    }
    unique[wire.timestampName] = given;
  }
  if (wire.nonce !== 'none') {
    const given = envelope[wire.nonceName];
    const form = wire.nonce === 'sequence' ? /^\d{4}$/ : /^\w{8,64}$/;
    if (typeof given !== 'string' || !form.test(given)) {
      throw invalid(`parameter ${wire.nonceName} is missing or ill-formed`);
    }
    unique[wire.nonceName] = given;
  }
  return unique;
}

function readTimestamp(given: unknown, form: WireProfile['timestamp']): Instant | undefined {
  if (form === 'yyyyMMddHHmmss') {
    const match = typeof given === 'string' ? /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)$/.exec(given) : null;
    if (match === null) return undefined;
    const [, year, month, day, hour, minute, second] = match;
    return parseBeijing(`${year}-${month}-${day} ${hour}:${minute}:${second}`);
  }
  if (typeof given !== 'number' || !Number.isInteger(given)) return undefined;
  return form === 's' ? given * 1000 : given;
}

/** @throws Refused with code 201 */
function plaintextOf(
  envelope: Json,
  payload: string,
  credentials: SealedCredentials,
  wire: WireProfile,
): Json {
  if (wire.ciphertext === 'none') {
    const outer = wire.keyPlace === 'body' ? [wire.keyName] : [];
    return withoutNames(envelope, [...outer, ...uniqueNames(wire)]);
  }
  const plaintext = ciphertextForms[wire.ciphertext].test(payload)
    ? parseObject(tryDecrypt(payload, credentials, wire.ciphertext))
    : undefined;
  if (plaintext === undefined) {
    throw invalid(`parameter ${wire.payload} cannot be decrypted to a JSON object`);
  }
  return plaintext;
}

const uniqueNames = (wire: WireProfile) => [
  ...(wire.timestamp === 'none' ? [] : [wire.timestampName]),
  ...(wire.nonce === 'none' ? [] : [wire.nonceName]),
];

/** Where values are signed in the order of {@link seal}, whatever the order of the body. */
function inOrder(envelope: Json, wire: WireProfile): Json {
  const names = [wire.keyName, wire.payload, ...uniqueNames(wire)].filter((name) => name in envelope);
  return {
    ...Object.fromEntries(names.map((name) => [name, envelope[name]])),
    ...withoutNames(envelope, names),
  };
}

/** @throws Refused with code 403 */
function checkSignature(
  given: unknown,
  signed: SignedParameters,
  { signSecret }: SealedCredentials,
  wire: WireProfile,
): void {
  if (wire.sign === 'none') return;
  if (typeof given !== 'string' || !isSignedBy(given, signed, signSecret, wire)) {
    throw new Refused(403, 'signature verification failed');
  }
}

function tryDecrypt(
  payload: string,
  credentials: SealedCredentials,
  form: Exclude<WireProfile['ciphertext'], 'none'>,
): string {
  try {
    return decrypt(payload, credentials, form);
  } catch {
    return '';
  }
}

function parseObject(text: string): Json | undefined {
  try {
    const parsed: unknown = JSON.parse(text);
    return isJson(parsed) ? parsed : undefined;
  } catch {
    return undefined;
  }
}

function withoutNames(object: Json, names: readonly string[]): Json {
  return Object.fromEntries(Object.entries(object).filter(([name]) => !names.includes(name)));
}
