import { encrypt } from './cipher.ts';
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
