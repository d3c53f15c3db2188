import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { seal } from '../../../src/api/dialects/seal.ts';
import { unsealCall } from '../../../src/api/dialects/unseal.ts';
import { type WireProfile, wireProfileSchema } from '../../../src/api/dialects/wire.ts';

/**
 * What openssl makes of the same call in every dimension that the vendor's page leaves open:
 * `printf '%s' STRING | openssl dgst -md5 -hmac cryptoracletest1`,
 * `printf '%s' TEXT | openssl enc -aes-128-cbc -K HEX -iv HEX | base64 -w0`.
 */

const secret = 'cryptoracletest1';
const credentials = { apiKey: 'cryptoracle', signSecret: secret, dataSecret: secret, dataIv: secret };
const business = { token: ['BTC', 'ETH'], timeType: '1h', tags: [] };
/** 2025-01-01 00:00:00.999 in Beijing. */
const now = 1_735_660_800_999;

const data = 'ggQ6GsqWFOO7ZsbG0gwUvG7yvAA+cZFRHiCzIkef/nFtgl+JR4W2vHOuM+s0aACGGaCMr6CMX679LVHDnsU1og==';
const withKey =
  'FGhj44Z4bhalbZSBG4nJPW9HcrXqlNrbMxk69uWB0mPltBIM2DpBqTqNlCCL7RJ9TNr5EOVsl4s7qb5S8TzuUcqtnuwP9DvKAwnzYAz6xr4=';
const withSign =
  'ggQ6GsqWFOO7ZsbG0gwUvG7yvAA+cZFRHiCzIkef/nFtgl+JR4W2vHOuM+s0aACG8zacbmjrHamycl5xYNtEhEJcbNESGvShHM7TfHxVDlUZCACZ/5/bej2AhoF0V/iG';
const hex = Buffer.from(data, 'base64').toString('hex');
const apiKey = 'cryptoracle';

interface Vector {
  readonly wire: Partial<WireProfile>;
  readonly nonce?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: Readonly<Record<string, unknown>>;
}

const vectors: readonly Vector[] = [
  { wire: { signed: 'key+business' }, body: { apiKey, data, sign: '9faabf9ea685a8f363a147758f25f1b9' } },
  {
    wire: { signed: 'key+business', emptyLists: 'left out' },
    body: { apiKey, data, sign: '907bdc2c5ec3a3e4aa4669b8ac27e76f' },
  },
  {
    wire: { signed: 'business', lists: 'java' },
    body: { apiKey, data, sign: 'd237140a56d318dbfc4de216f82e2bd1' },
  },
  {
    wire: { signed: 'key+business', lists: 'comma' },
    body: { apiKey, data, sign: '476fdf82069c6804507fe14dc8abe281' },
  },
  {
    wire: { signed: 'key+timestamp', timestamp: 'ms' },
    body: { apiKey, data, timestamp: now, sign: 'd269cbe7eecbd9e581a69be5d7272bbf' },
  },
  {
    wire: { timestamp: 'ms', nonce: 'random' },
    nonce: 'n0nce',
    body: { apiKey, data, timestamp: now, nonce: 'n0nce', sign: 'eca51d9bcc46afa16b2dc333a1bb9faf' },
  },
  ...(
    [
      ['values', '143055141da2c6fbbf9f00e1ad8ab7ce'],
      ['values by key', 'f7550d73f56870a32ba9aa443818c40f'],
    ] as const
  ).map(([joined, sign]): Vector => {
    const wire = {
      joined,
      timestamp: 'yyyyMMddHHmmss',
      nonce: 'sequence',
      nonceName: 'seq',
      sign: 'HEX',
    } as const;
    const body = { apiKey, data, timestamp: '20250101000000', seq: '0001', sign: sign.toUpperCase() };
    return { wire, nonce: '0001', body };
  }),
  {
    wire: { keyPlace: 'both' },
    body: { apiKey, data: withKey, sign: '92f1c7290ed45bd87f88c4266afc3286' },
  },
  { wire: { signed: 'business', signPlace: 'payload' }, body: { apiKey, data: withSign } },
  {
    wire: { keyName: 'appId', payload: 'params' },
    body: { appId: apiKey, params: data, sign: '15f33fb24732f08aff05d15f2cf8ff11' },
  },
  {
    wire: { keyPlace: 'header', signPlace: 'header', signed: 'key+business', ciphertext: 'HEX' },
    headers: { apiKey, sign: '9faabf9ea685a8f363a147758f25f1b9' },
    body: { data: hex.toUpperCase() },
  },
  {
    wire: { ciphertext: 'none', sign: 'none', keyName: 'X-API-KEY', keyPlace: 'header' },
    headers: { 'X-API-KEY': apiKey },
    body: business,
  },
];

describe('a call in every variant', () => {
  it.each(vectors)('is what openssl makes of it: $wire', ({ wire, nonce = '', headers = {}, body }) => {
    const profile = wireProfileSchema.parse(wire);
    expect(seal(business, credentials, profile, { now, nonce })).toEqual({ headers, body });
  });

  it.each(vectors.filter(({ nonce }) => nonce !== 'n0nce'))(
    'is opened by the server, and refused with another key: $wire',
    ({ wire, headers = {}, body }) => {
      const profile = wireProfileSchema.parse(wire);
      const small = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]);
      const call = { headers: Object.fromEntries(small), body: JSON.stringify(body) };
      expect(unsealCall(call, credentials, profile, now)).toEqual({ business });
      expect(unsealCall(call, { ...credentials, apiKey: 'other' }, profile, now)).toMatchObject({
        refusal: { code: 202 },
      });
      if (profile.sign !== 'none')
        expect(unsealCall(call, { ...credentials, signSecret: 'other' }, profile, now)).toMatchObject({
          refusal: { code: 403 },
        });
    },
  );

  it('has the signature that openssl computes here and now', () => {
    const { body } = seal(business, credentials, wireProfileSchema.parse({}), { now, nonce: '' });
    const signed = `apiKey=cryptoracle&data=${data}`;
    const printed = execFileSync('openssl', ['dgst', '-md5', '-hmac', secret], { input: signed }).toString();
    expect(printed).toContain(String(body.sign));
  });
});
