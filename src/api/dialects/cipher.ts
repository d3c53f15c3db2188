import { createCipheriv, createDecipheriv } from 'node:crypto';
import type { SealedCredentials } from '../dialect.ts';

/** AES-128-CBC with PKCS7 padding; key and IV are 16 bytes each, used as UTF-8 (API page, Encryption). */
const algorithm = 'aes-128-cbc';

type CipherKeys = Pick<SealedCredentials, 'dataSecret' | 'dataIv'>;

/** Text form of a ciphertext; hexadecimal digits in lower or upper case. */
export type CiphertextForm = 'base64' | 'hex' | 'HEX';

/** Whether a text can be the key or the IV of the cipher. */
export function isCipherKey(text: string): boolean {
  return Buffer.byteLength(text, 'utf8') === 16;
}

export function encrypt(plaintext: string, keys: CipherKeys, form: CiphertextForm): string {
  const cipher = createCipheriv(algorithm, keys.dataSecret, keys.dataIv);
  const encoding = form === 'base64' ? 'base64' : 'hex';
  const text = cipher.update(plaintext, 'utf8', encoding) + cipher.final(encoding);
  return form === 'HEX' ? text.toUpperCase() : text;
}

/** @throws Error where the text was not encrypted with these keys, or is damaged. */
export function decrypt(ciphertext: string, keys: CipherKeys, form: CiphertextForm): string {
  const decipher = createDecipheriv(algorithm, keys.dataSecret, keys.dataIv);
  const encoding = form === 'base64' ? 'base64' : 'hex';
  return decipher.update(ciphertext, encoding, 'utf8') + decipher.final('utf8');
}

/** The form that a ciphertext has. A block is 24 characters of base64, which hardly ever are digits of hex alone. */
export function formOf(ciphertext: string): CiphertextForm {
  return ciphertext.length % 32 === 0 && /^[0-9a-fA-F]*$/.test(ciphertext) ? 'hex' : 'base64';
}
