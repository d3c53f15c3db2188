import { formatBeijing } from '../../beijing.ts';
import type { Instant } from '../../time.ts';
import type { BusinessParameters, SealedCredentials } from '../dialect.ts';
import { encrypt } from './cipher.ts';
import { type SignedParameters, sign } from './signature.ts';
import type { WireProfile } from './wire.ts';

/** The parts that differ in every call. */
export interface Uniqueness {
  readonly now: Instant;
  readonly nonce: string;
}

export interface SealedCall {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Readonly<Record<string, unknown>>;
}

/** Encrypts and signs business parameters as the wire profile says. */
export function seal(
  business: BusinessParameters,
  credentials: SealedCredentials,
  wire: WireProfile,
  { now, nonce }: Uniqueness,
): SealedCall {
  const key = { [wire.keyName]: credentials.apiKey };
  const unique = {
    ...(wire.timestamp === 'none' ? {} : { [wire.timestampName]: timestampOf(now, wire.timestamp) }),
    ...(wire.nonce === 'none' ? {} : { [wire.nonceName]: nonce }),
  };
  const inner = wire.keyPlace === 'both' ? { ...key, ...business } : business;
  const signature = (parameters: SignedParameters) =>
    wire.sign === 'none' ? {} : { [wire.signName]: sign(parameters, credentials.signSecret, wire) };
  const inside = wire.signPlace === 'payload' ? signature(signedWithin(wire, key, unique, inner)) : {};
  const payload = payloadOf({ ...inner, ...inside }, credentials, wire);
  const outside =
    wire.signPlace === 'payload'
      ? {}
      : signature(
          wire.signed === 'envelope'
            ? { ...key, ...payload, ...unique }
            : signedWithin(wire, key, unique, inner),
        );
  return {
    headers: {
      ...(wire.keyPlace === 'header' ? key : {}),
      ...(wire.signPlace === 'header' ? outside : {}),
    },
    body: {
      ...(wire.keyPlace === 'header' ? {} : key),
      ...payload,
      ...unique,
      ...(wire.signPlace === 'header' ? {} : outside),
    },
  };
}

/** The text that is signed where that is not the envelope. */
export function signedWithin(
  { signed, timestampName }: WireProfile,
  key: SignedParameters,
  unique: SignedParameters,
  business: BusinessParameters,
): SignedParameters {
  if (signed === 'business') return business;
  return signed === 'key+timestamp'
    ? { ...key, [timestampName]: unique[timestampName] }
    : { ...key, ...unique, ...business };
}

function payloadOf(
  parameters: BusinessParameters,
  credentials: SealedCredentials,
  { ciphertext, payload }: WireProfile,
): Readonly<Record<string, unknown>> {
  return ciphertext === 'none'
    ? parameters
    : { [payload]: encrypt(JSON.stringify(parameters), credentials, ciphertext) };
}

function timestampOf(now: Instant, form: Exclude<WireProfile['timestamp'], 'none'>): number | string {
  if (form === 'ms') return now;
  return form === 's' ? Math.floor(now / 1000) : formatBeijing(now).replaceAll(/\D/g, '');
}
