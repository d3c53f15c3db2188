import { createCipheriv, createDecipheriv } from 'node:crypto';
import type { Credentials, WireProfile } from './wire.ts';

/** AES-128-CBC with PKCS7 padding; key and IV are 16 bytes each, used as UTF-8 (API page, Encryption). */
const algorithm = 'aes-128-cbc';

type CipherKeys = Pick<Credentials, 'dataSecret' | 'dataIv'>;

/** Whether a text can be the key or the IV of the cipher. */
export function isCipherKey(text: string): boolean {
  return Buffer.byteLength(text, 'utf8') === 16;
}

export function encrypt(plaintext: string, keys: CipherKeys, form: WireProfile['ciphertext']): string {
  const cipher = createCipheriv(algorithm, keys.dataSecret, keys.dataIv);
  return cipher.update(plaintext, 'utf8', form) + cipher.final(form);
}

/** @throws Error where the text was not encrypted with these keys, or is damaged. */
export function decrypt(ciphertext: string, keys: CipherKeys, form: WireProfile['ciphertext']): string {
  const decipher = createDecipheriv(algorithm, keys.dataSecret, keys.dataIv);
  return decipher.update(ciphertext, form, 'utf8') + decipher.final('utf8');
}
