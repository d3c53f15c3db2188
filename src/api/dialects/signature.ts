import { createHmac, timingSafeEqual } from 'node:crypto';
import type { WireProfile } from './wire.ts';

/** How a signature is made, as far as the API page leaves it open. */
export type SigningForm = Pick<WireProfile, 'sign' | 'lists' | 'emptyLists' | 'joined'>;

export type SignedParameters = Readonly<Record<string, unknown>>;

/** As Java prints a list or a map. */
function javaText(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(javaText).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return String(value);
  return `{${Object.entries(value)
    .map(([key, inner]) => `${key}=${javaText(inner)}`)
    .join(', ')}}`;
}

function listText(value: object, lists: WireProfile['lists']): string {
  if (lists === 'java') return javaText(value);
  if (lists === 'json' || !Array.isArray(value)) return JSON.stringify(value);
  return value.map((item) => (typeof item === 'object' ? JSON.stringify(item) : String(item))).join(',');
}

function asText(value: unknown, { lists, emptyLists }: SigningForm): string {
  if (value === null || value === undefined) return '';
  if (typeof value !== 'object') return String(value);
  if (Array.isArray(value) && value.length === 0 && emptyLists === 'left out') return '';
  return listText(value, lists);
}

/**
 * The string that is signed: `key=value` of every parameter but the empty ones, sorted by key in ascending byte order,
 * joined by `&` (API page, Authentication); or the values alone (T/CEC 102.4).
 *
 * @param parameters without the signature itself
 */
export function stringToSign(parameters: SignedParameters, form: SigningForm): string {
  const texts = Object.entries(parameters)
    .map(([key, value]) => [key, asText(value, form)] as const)
    .filter(([, value]) => value !== '');
  if (form.joined === 'values') return texts.map(([, value]) => value).join('');
  texts.sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  if (form.joined === 'values by key') return texts.map(([, value]) => value).join('');
  return texts.map(([key, value]) => `${key}=${value}`).join('&');
}

/** HMAC-MD5 over the string to sign, in the form's text form; nothing where nothing is signed. */
export function sign(parameters: SignedParameters, secret: string, form: SigningForm): string {
  const hmac = createHmac('md5', secret).update(stringToSign(parameters, form), 'utf8');
  if (form.sign === 'base64') return hmac.digest('base64');
  const digest = hmac.digest('hex');
  return form.sign === 'HEX' ? digest.toUpperCase() : digest;
}

/** Whether `given` is the signature of the parameters; takes the same time whatever it is given. */
export function isSignedBy(
  given: string,
  parameters: SignedParameters,
  secret: string,
  form: SigningForm,
): boolean {
  const expected = Buffer.from(sign(parameters, secret, form));
  const actual = Buffer.from(given);
  return expected.length === actual.length && timingSafeEqual(expected, actual);
}
