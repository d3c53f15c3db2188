import type { WireProfile } from '../dialects/index.ts';

/**
 * The ways in which v1 may be dressed, the likely ones first by our judgement. Each variant changes the profile that
 * the table before it found.
 */
export type Variant = Partial<WireProfile>;

const timestamps = ['ms', 's', 'yyyyMMddHHmmss'] as const;

const withTime: readonly Variant[] = timestamps.map((timestamp) => ({ timestamp }));

/** Texts that may be signed instead of the envelope, and ways to write lists in them. */
const overBusiness = (lists: WireProfile['lists']): readonly Variant[] => [
  { signed: 'key+business', lists },
  { signed: 'business', lists },
];

const overTime: readonly Variant[] = timestamps.map((timestamp) => ({ signed: 'key+timestamp', timestamp }));

const signInside: readonly Variant[] = (['json', 'java', 'comma'] as const).flatMap((lists) =>
  overBusiness(lists).map((variant): Variant => ({ ...variant, signPlace: 'payload' })),
);

const withNonce: readonly Variant[] = timestamps.map((timestamp) => ({ timestamp, nonce: 'random' }));

const inHeaders: Variant = { keyPlace: 'header', signPlace: 'header' };

/** The vendor's words for secrets are those of the Chinese charging-station standard T/CEC 102.4. */
const standard: Variant = {
  joined: 'values',
  timestamp: 'yyyyMMddHHmmss',
  nonce: 'sequence',
  nonceName: 'seq',
};
const standardNames: Variant = {
  ...standard,
  sign: 'HEX',
  keyName: 'OperatorID',
  payload: 'Data',
  timestampName: 'TimeStamp',
  nonceName: 'Seq',
  signName: 'Sig',
};

const likeStandard: readonly Variant[] = [
  { ...standard, sign: 'HEX' },
  standard,
  { ...standard, joined: 'values by key' },
  { ...standard, joined: 'values by key', sign: 'HEX' },
  standardNames,
];

const payloadNames: readonly Variant[] = [
  'params',
  'encryptData',
  'encryptedData',
  'bizContent',
  'content',
  'requestData',
].map((payload) => ({ payload }));

const keyNames: readonly Variant[] = ['appKey', 'accessKey', 'appId'].map((keyName) => ({ keyName }));

const ciphertexts: readonly Variant[] = [{ ciphertext: 'hex' }, { ciphertext: 'HEX' }];

/** Nothing signed and nothing encrypted, as later versions do. */
export const plain: Variant = {
  ciphertext: 'none',
  sign: 'none',
  keyName: 'X-API-KEY',
  keyPlace: 'header',
};

const upper = (variants: readonly Variant[]): readonly Variant[] =>
  variants.map((variant) => ({ ...variant, sign: 'HEX' }));

/** Variants for an API that names the key. */
const forKey: readonly Variant[] = [
  inHeaders,
  ...keyNames,
  plain,
  { keyPlace: 'both' },
  { keyPlace: 'header' },
  { ...inHeaders, keyName: 'X-API-KEY' },
  standardNames,
];

/** Variants for one that names the signature: first each by itself, then two at once. */
const forSignature: readonly Variant[] = [
  { sign: 'HEX' },
  ...withTime,
  ...overBusiness('json'),
  ...overBusiness('java'),
  ...overTime,
  ...overBusiness('comma'),
  ...signInside.slice(0, 2),
  ...withNonce.slice(0, 1),
  { signPlace: 'header' },
  ...likeStandard.slice(0, 4),
  { keyPlace: 'both' },
  inHeaders,
  // The signature is made of what is found under the names that the API expects.
  ...payloadNames,
  ...ciphertexts,
  { sign: 'base64' },
  ...upper([
    ...overBusiness('json'),
    ...overBusiness('java'),
    ...overBusiness('comma'),
    ...withTime,
    ...overTime,
  ]),
  ...signInside.slice(2),
  ...withNonce.slice(1),
  plain,
];

/** Variants for one that names a parameter, or the payload. */
const forParameters: readonly Variant[] = [
  ...withTime,
  { keyPlace: 'both' },
  ...signInside.slice(0, 2),
  ...withNonce.slice(0, 1),
  inHeaders,
  ...payloadNames,
  ...ciphertexts,
  ...keyNames,
  ...likeStandard,
  plain,
  ...overTime,
  ...signInside.slice(2),
  ...withNonce.slice(1),
  { signPlace: 'header' },
  { keyPlace: 'header' },
];

/** The variants to try next, by the part that the API found wrong. */
export const variantsFor = { key: forKey, signature: forSignature, parameters: forParameters } as const;
