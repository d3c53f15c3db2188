import { randomBytes } from 'node:crypto';
import type { Credentials, Dialect, SealedCredentials, SecretName } from '../dialect.ts';
import { businessOf } from './business.ts';
import { decrypt, encrypt, formOf } from './cipher.ts';
import { openEnvelope } from './envelope.ts';
import { seal } from './seal.ts';
import { unsealCall } from './unseal.ts';
import type { WireProfile } from './wire.ts';

/** Signed with HMAC-MD5 and encrypted with AES-128-CBC, both ways (v1.1 page). */
export function sealedDialect(wire: WireProfile): Dialect {
  const { ciphertext } = wire;
  const nonce = nonces(wire.nonce);
  const answerName = wire.answer ?? wire.payload;
  // Nobody tells where the answer's payload is; which one it is shows when it comes.
  const payload = [...new Set([answerName, wire.payload, 'data', 'result'])];
  return {
    version: 'v1',
    secrets: secretsOf(wire),
    fields: { windows: 'endPoints' },
    encode(question, credentials, now) {
      const business = businessOf(question, 'sent');
      const { headers, body } = seal(business, allSecrets(credentials), wire, { now, nonce: nonce() });
      return { path: `v1/${question.call}`, headers, body: JSON.stringify(body) };
    },
    open: (reply, credentials, now) =>
      openEnvelope(reply, credentials, now, {
        payload,
        open: (text) => openPayload(text, credentials),
      }),
    server: {
      read: (call, credentials, now) => unsealCall(call, credentials, wire, now),
      payload: answerName,
      ...(ciphertext === 'none' ? {} : { seal: (text, keys) => encrypt(text, keys, ciphertext) }),
    },
  };
}

function secretsOf({ sign, ciphertext }: WireProfile): readonly SecretName[] {
  return [
    'apiKey',
    ...(sign === 'none' ? [] : (['signSecret'] as const)),
    ...(ciphertext === 'none' ? [] : (['dataSecret', 'dataIv'] as const)),
  ];
}

/** A secret that is not needed is never read; one that is needed was required where the settings were read. */
const allSecrets = ({
  apiKey,
  signSecret = '',
  dataSecret = '',
  dataIv = '',
}: Credentials): SealedCredentials => ({
  apiKey,
  signSecret,
  dataSecret,
  dataIv,
});

/** @throws Error where the text is neither our ciphertext nor JSON */
function openPayload(text: string, credentials: Credentials): string {
  const isPlain = /^\s*[[{]/.test(text);
  return isPlain ? text : decrypt(text, allSecrets(credentials), formOf(text));
}

/** Content of the field that never repeats. A number of four digits need only differ within a second. */
function nonces(form: WireProfile['nonce']): () => string {
  if (form !== 'sequence') return () => (form === 'none' ? '' : randomBytes(16).toString('hex'));
  let sent = 0;
  return () => {
    sent = (sent % 9999) + 1;
    return String(sent).padStart(4, '0');
  };
}
