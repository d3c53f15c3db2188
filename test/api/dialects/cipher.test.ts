import { createCipheriv } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decrypt, encrypt, isCipherKey } from '../../../src/api/dialects/cipher.ts';

const keys = { dataSecret: 'cryptoracletest1', dataIv: 'cryptoracletest1' };

// printf '%s' TEXT | openssl enc -aes-128-cbc -K HEX -iv HEX | base64 -w0
const vectors = [
  ['', '+yrvSlEYCJeDz4wPsjtiTQ=='],
  ['a', 'U5Ya2D+0V1EjCH2RN2BZOw=='],
  ['0123456789abcdef', '7dc3RgIlP2GRJycq70+wG4/u6XWJdwe2e1NNB2s1j2Q='],
  [
    '{"token":["BTC","ETH"],"timeType":"1h"}',
    'ggQ6GsqWFOO7ZsbG0gwUvG7yvAA+cZFRHiCzIkef/nGq58xJzeWRYgK9z26mt+NW',
  ],
  ['比特币 ₿ é 🚀', 'SeXQI3ApB1USWtS8jhciHjrzmg5tYc+rRQ81MfLoTcE='],
] as const;

describe('the cipher', () => {
  it.each(vectors)('encrypts %j as openssl does and decrypts it again, as base64', (text, base64) => {
    expect(encrypt(text, keys, 'base64')).toBe(base64);
    expect(decrypt(base64, keys, 'base64')).toBe(text);
  });

  it.each(vectors)('encrypts %j as openssl does and decrypts it again, as hex', (text, base64) => {
    const hex = Buffer.from(base64, 'base64').toString('hex');
    expect(encrypt(text, keys, 'hex')).toBe(hex);
    expect(decrypt(hex, keys, 'hex')).toBe(text);
    expect(decrypt(hex.toUpperCase(), keys, 'hex')).toBe(text);
  });

  it('takes key and IV as UTF-8 and for what they are', () => {
    const plain = { dataSecret: 'key-of-16-bytes!', dataIv: 'iv-of-16-bytes.!' };
    expect(encrypt('{"a":1}', plain, 'base64')).toBe('wqCXPOai2QpZOvO99ROkJw==');
    expect(encrypt('x', { ...plain, dataSecret: 'schlüssel-16byt' }, 'base64')).toBe(
      'R7fsbFiMimSX4E7u92QCfA==',
    );
  });

  it('decrypts whatever it encrypted, wherever a character falls on a block', () => {
    const form = fc.constantFrom<('base64' | 'hex')[]>('base64', 'hex');
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'aé比🚀"\0'), maxLength: 100 }), form, (text, as) => {
        expect(decrypt(encrypt(text, keys, as), keys, as)).toBe(text);
      }),
      { numRuns: 300 },
    );
  });

  it('throws on what was cut off or is no ciphertext', () => {
    const whole = encrypt('{"code":200}', keys, 'base64');
    for (const damaged of ['', 'abc', 'no base64 at all!', whole.slice(0, 8)]) {
      expect(() => decrypt(damaged, keys, 'base64')).toThrow(Error);
    }
  });

  it('throws on padding that no encryption leaves', () => {
    const cipher = createCipheriv('aes-128-cbc', keys.dataSecret, keys.dataIv).setAutoPadding(false);
    const unpadded = cipher.update('0123456789abcde\0', 'utf8', 'base64') + cipher.final('base64');
    expect(() => decrypt(unpadded, keys, 'base64')).toThrow(Error);
  });

  it('takes for a key what has 16 bytes, not 16 characters', () => {
    expect(isCipherKey('cryptoracletest1')).toBe(true);
    expect(isCipherKey('schlüssel-16byt')).toBe(true);
    expect(isCipherKey('schlüssel-16byte')).toBe(false);
    expect(isCipherKey('cryptoracletest')).toBe(false);
    expect(isCipherKey('')).toBe(false);
  });
});
