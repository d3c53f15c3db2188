import type { WireProfile } from '../../../src/api/dialects/index.ts';
import type { ApiVersion } from '../../../src/catalog/index.ts';

/** A way in which the API may be dressed: the rows of the vendor's open questions, and the later versions. */
export interface Disguise {
  readonly name: string;
  readonly version: ApiVersion;
  readonly wire: Partial<WireProfile>;
}

const v1 = (name: string, wire: Partial<WireProfile>): Disguise => ({ name, version: 'v1', wire });

export const disguises: readonly Disguise[] = [
  v1('1 as by default', {}),
  v1('2 upper hex', { sign: 'HEX' }),
  v1('3 milliseconds', { timestamp: 'ms' }),
  v1('3 seconds', { timestamp: 's' }),
  v1('3 digits', { timestamp: 'yyyyMMddHHmmss' }),
  v1('4 key and business', { signed: 'key+business' }),
  v1('5 business', { signed: 'business' }),
  v1('6 key and business as Java', { signed: 'key+business', lists: 'java' }),
  v1('7 business as Java', { signed: 'business', lists: 'java' }),
  v1('8 key and time', { signed: 'key+timestamp', timestamp: 'ms' }),
  v1('9 key and business by commas', { signed: 'key+business', lists: 'comma', emptyLists: 'left out' }),
  v1('9 business by commas', { signed: 'business', lists: 'comma' }),
  v1('9 empty lists left out', { signed: 'key+business', emptyLists: 'left out' }),
  v1('10 key inside, too', { keyPlace: 'both' }),
  v1('11 sign inside', { signPlace: 'payload', signed: 'key+business' }),
  v1('11 sign inside, business', { signPlace: 'payload', signed: 'business' }),
  v1('12 nonce', { timestamp: 'ms', nonce: 'random' }),
  v1('13 headers', { keyPlace: 'header', signPlace: 'header' }),
  ...['params', 'encryptData', 'encryptedData', 'bizContent', 'content', 'requestData'].map((payload) =>
    v1(`14 ${payload}`, { payload }),
  ),
  v1('14 result', { payload: 'params', answer: 'result' }),
  v1('15 hex', { ciphertext: 'hex' }),
  v1('15 upper hex', { ciphertext: 'HEX' }),
  v1('16 appKey', { keyName: 'appKey' }),
  v1('16 accessKey', { keyName: 'accessKey' }),
  v1('16 appId', { keyName: 'appId' }),
  v1('17 T/CEC', {
    ...{ joined: 'values', timestamp: 'yyyyMMddHHmmss', nonce: 'sequence', nonceName: 'seq' },
    sign: 'HEX',
  }),
  v1('18 plain', { ciphertext: 'none', sign: 'none', keyName: 'X-API-KEY', keyPlace: 'header' }),
  { name: 'v2', version: 'v2', wire: {} },
  { name: 'v2.1', version: 'v2.1', wire: {} },
];
