import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  isSignedBy,
  type SignedParameters,
  sign,
  stringToSign as written,
} from '../../../src/api/dialects/signature.ts';
import { defaultWireProfile, type WireProfile } from '../../../src/api/dialects/wire.ts';

const stringToSign = (parameters: SignedParameters) => written(parameters, defaultWireProfile);

const as = (form: WireProfile['sign']) => ({ ...defaultWireProfile, sign: form });

const secret = 'cryptoracletest1';

const business = {
  token: ['BTC', 'ETH'],
  startTime: '2025-01-01 00:00:00',
  endTime: '2025-01-02 00:00:00',
  timeType: '1h',
  endpoints: ['CO-A-01-05'],
  tags: ['CO-B-01-04'],
};

describe('the string to sign', () => {
  it('joins key=value by & in the order of the keys, lists as compact JSON', () => {
    expect(stringToSign(business)).toBe(
      'endTime=2025-01-02 00:00:00&endpoints=["CO-A-01-05"]&startTime=2025-01-01 00:00:00' +
        '&tags=["CO-B-01-04"]&timeType=1h&token=["BTC","ETH"]',
    );
  });

  it('leaves out every empty value, but not zero, false or an empty list', () => {
    expect(
      stringToSign({
        z: 0,
        none: null,
        missing: undefined,
        empty: '',
        no: false,
        list: [],
        blank: ' ',
      }),
    ).toBe('blank= &list=[]&no=false&z=0');
    expect(stringToSign({})).toBe('');
  });

  it('writes objects within lists as compact JSON', () => {
    expect(stringToSign({ extraParams: [{ endpoint: 'CO-A-01-05', param: 1 }] })).toBe(
      'extraParams=[{"endpoint":"CO-A-01-05","param":1}]',
    );
  });

  it('sorts keys by their bytes: capitals before small letters, and by UTF-8 beyond ASCII', () => {
    // By UTF-16 units, as JavaScript compares texts, the last two would change places.
    expect(stringToSign({ '\u{1f600}': 6, '\uff5e': 5, b: 4, a: 3, _: 2, B: 1, A1: 0, A: -1 })).toBe(
      'A=-1&A1=0&B=1&_=2&a=3&b=4&\uff5e=5&\u{1f600}=6',
    );
  });

  it('has the same parameters in the same order whatever order they come in', () => {
    const hex = (text: string) => Buffer.from(text, 'utf8').toString('hex');
    const key = fc.string({ unit: fc.constantFrom(...'AaZz_09é比\uff5e🚀'), minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(fc.uniqueArray(key, { maxLength: 8 }), (keys) => {
        const expected = keys
          .toSorted((a, b) => (hex(a) < hex(b) ? -1 : 1))
          .map((name) => `${name}=v`)
          .join('&');
        expect(stringToSign(Object.fromEntries(keys.map((name) => [name, 'v'])))).toBe(expected);
      }),
    );
  });
});

describe('the signature', () => {
  // printf '%s' STRING | openssl dgst -md5 -hmac cryptoracletest1 [-binary | base64]
  it.each([
    [{ apiKey: 'cryptoracle', data: 'abc' }, 'b0237d71e02ad9b07eeb92366c36a4ab', 'sCN9ceAq2bB+65I2bDakqw=='],
    [business, '0a55d0bec25b60b9ebeda407a879ac16', 'ClXQvsJbYLnr7aQHqHmsFg=='],
    [{ text: '比特币 ₿ é' }, '1e7b6aa7990bafaf752d1bce06722fb9', 'Hntqp5kLr691LRvOBnIvuQ=='],
    [{}, '09fa54a7deda16a0e1abc097e97867cf', 'CfpUp97aFqDhq8CX6Xhnzw=='],
  ])('of %j is what openssl says, in all three text forms', (parameters, hex, base64) => {
    expect(sign(parameters, secret, as('hex'))).toBe(hex);
    expect(sign(parameters, secret, as('HEX'))).toBe(hex.toUpperCase());
    expect(sign(parameters, secret, as('base64'))).toBe(base64);
  });

  it('takes the secret as UTF-8', () => {
    expect(sign({ a: 1 }, 'ключ-秘密', as('hex'))).toBe('8f1cb7252d119a601a15fa4d8370dc2c');
  });

  it('is accepted only for its own parameters, secret and text form', () => {
    const given = 'b0237d71e02ad9b07eeb92366c36a4ab';
    const parameters = { apiKey: 'cryptoracle', data: 'abc' };
    expect(isSignedBy(given, parameters, secret, as('hex'))).toBe(true);
    expect(isSignedBy(given, { ...parameters, data: 'abd' }, secret, as('hex'))).toBe(false);
    expect(isSignedBy(given, parameters, 'cryptoracletest2', as('hex'))).toBe(false);
    expect(isSignedBy(given, parameters, secret, as('HEX'))).toBe(false);
    expect(isSignedBy(`${given}0`, parameters, secret, as('hex'))).toBe(false);
    expect(isSignedBy('', parameters, secret, as('hex'))).toBe(false);
    expect(isSignedBy('比特币', parameters, secret, as('hex'))).toBe(false);
  });
});
