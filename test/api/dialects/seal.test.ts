import { describe, expect, it } from 'vitest';
import { seal } from '../../../src/api/dialects/seal.ts';
import { defaultWireProfile, type WireProfile } from '../../../src/api/dialects/wire.ts';

const credentials = {
  apiKey: 'cryptoracle',
  signSecret: 'cryptoracletest1',
  dataSecret: 'cryptoracletest1',
  dataIv: 'cryptoracletest1',
};
const business = {
  token: ['BTC', 'ETH'],
  startTime: '2025-01-01 00:00:00',
  timeType: '1h',
  tags: [],
  note: '',
};
const now = 1_735_660_800_999;

/** `JSON.stringify(business)` encrypted by openssl. */
const base64 =
  'ggQ6GsqWFOO7ZsbG0gwUvGMGetdXvrvMeFrZnEGkKNo4lSz4V28l2G2X/z6vkwrSvfSaFb8/Jd40vKRXsw5a93CIUl+hdvW9EKTYakGNhbO9XUMKYX7oLlcA0K1kFPAv';
const ciphertexts = { base64, hex: Buffer.from(base64, 'base64').toString('hex') };

const timestamps = { none: undefined, ms: 1_735_660_800_999, s: 1_735_660_800 };

/** What openssl makes of the envelope's fields in byte order; `Zz` stands before `apiKey`, the others after it. */
const signatures: readonly (readonly [
  ciphertext: keyof typeof ciphertexts,
  payload: string,
  timestamp: keyof typeof timestamps,
  signature: string,
])[] = [
  ['base64', 'data', 'none', 'f012529e140e583b44e281cda033c037'],
  ['base64', 'data', 'ms', '3d7b3d37d4eecab77225e0e196f95f49'],
  ['base64', 'data', 's', 'd7aa41b2222f4c7cac44ed91ed5b65c9'],
  ['base64', 'payload', 'none', '1897f3b55d37147dc47eeb58e9d49577'],
  ['base64', 'payload', 'ms', '0a93b34039ac8a25fde4a8ae1e667437'],
  ['base64', 'payload', 's', '0c5d1fc67c1e22f7164d8c2c490e6484'],
  ['base64', 'Zz', 'none', '8f0c7aa4390898c3c9256623de96e2b8'],
  ['base64', 'Zz', 'ms', '5e3dbbd86e2762b4a5de75b63d8ef9a3'],
  ['base64', 'Zz', 's', '8abbdda0922cf131a5cb58bedc6d23da'],
  ['hex', 'data', 'none', '9bd1a6d62c2ab173fea549530920b5a3'],
  ['hex', 'data', 'ms', 'bc085202154959ed7d7ce9019a1eda3c'],
  ['hex', 'data', 's', '150e4d5dd213be03ea4b7656d5bb16f0'],
  ['hex', 'payload', 'none', '0b3a83dd49a1d6a818b74a95f017ae47'],
  ['hex', 'payload', 'ms', '060ece71723ec4f1743020ddaf11f3b6'],
  ['hex', 'payload', 's', '299b3e763edd129deb75e73f12ca9d3a'],
  ['hex', 'Zz', 'none', 'aaa76e063ec9a3696aabac597e0dfbe2'],
  ['hex', 'Zz', 'ms', '37347184dba0230d47c0c1925d95dac6'],
  ['hex', 'Zz', 's', '9069c1c96d039472701ca602be588e33'],
];

/** What openssl makes of `startTime=…&tags=[]&timeType=1h&token=["BTC","ETH"]`. */
const businessSignature = '1e7129af61ad72787352470629868b49';

function inForm(hex: string, form: WireProfile['sign']): string {
  if (form === 'HEX') return hex.toUpperCase();
  return form === 'base64' ? Buffer.from(hex, 'hex').toString('base64') : hex;
}

/** The body of a call that is dressed so. */
const sealed = (wire: WireProfile) => seal(business, credentials, wire, { now, nonce: '' }).body;

describe('a sealed call', () => {
  it('carries the API key, the ciphertext and the signature by default, and nothing in the clear', () => {
    expect(sealed(defaultWireProfile)).toEqual({
      apiKey: 'cryptoracle',
      data: base64,
      sign: 'f012529e140e583b44e281cda033c037',
    });
  });

  describe.each(signatures)('as %s in %j with timestamp %s', (ciphertext, payload, timestamp, signature) => {
    it.each(['hex', 'HEX', 'base64'] as const)('is signed as openssl would, in %s', (form) => {
      const wire: WireProfile = { ...defaultWireProfile, ciphertext, payload, timestamp, sign: form };
      const fields = {
        apiKey: 'cryptoracle',
        [payload]: ciphertexts[ciphertext],
        ...(timestamp !== 'none' && { timestamp: timestamps[timestamp] }),
      };
      expect(sealed(wire)).toEqual({ ...fields, sign: inForm(signature, form) });
      expect(sealed({ ...wire, signed: 'business' })).toEqual({
        ...fields,
        sign: inForm(businessSignature, form),
      });
    });
  });
});
