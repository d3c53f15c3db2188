import { createHmac, timingSafeEqual } from 'node:crypto';
import type { WireProfile } from './wire.ts';

/** Parameters as they are signed: lists and objects stand as compact JSON. */
export type SignedParameters = Readonly<Record<string, unknown>>;

function asText(value: unknown): string {
  if (value === null || value === undefined) return '';
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

/**
 * The string that is signed: `key=value` of every parameter but `sign` and the empty ones, sorted by key in
 * ascending byte order, joined by `&` (API page, Authentication).
 */
export function stringToSign(parameters: SignedParameters): string {
  return Object.entries(parameters)
    .map(([key, value]) => [key, asText(value)] as const)
    .filter(([key, value]) => key !== 'sign' && value !== '')
    .sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
    .map(([key, value]) => `${key}=${value}`)
    .join('&');
}

/** HMAC-MD5 over the string to sign, in the profile's text form. */
export function sign(parameters: SignedParameters, secret: string, form: WireProfile['sign']): string {
  const hmac = createHmac('md5', secret).update(stringToSign(parameters), 'utf8');
  if (form === 'base64') return hmac.digest('base64');
  const digest = hmac.digest('hex');
  return form === 'HEX' ? digest.toUpperCase() : digest;
}

/** Whether `given` is the signature of the parameters; takes the same time whatever it is given. */
export function isSignedBy(
  given: string,
  parameters: SignedParameters,
  secret: string,
  form: WireProfile['sign'],
): boolean {
  const expected = Buffer.from(sign(parameters, secret, form));
  const actual = Buffer.from(given);
  return expected.length === actual.length && timingSafeEqual(expected, actual);
}
