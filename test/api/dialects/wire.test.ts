import { describe, expect, it } from 'vitest';
import { defaultWireProfile, wireProfileSchema } from '../../../src/api/dialects/wire.ts';

describe('the wire profile', () => {
  it('is what the API most likely speaks where nothing is said', () => {
    expect(defaultWireProfile).toEqual({
      payload: 'data',
      ciphertext: 'base64',
      sign: 'hex',
      signName: 'sign',
      signPlace: 'body',
      keyName: 'apiKey',
      keyPlace: 'body',
      timestamp: 'none',
      timestampName: 'timestamp',
      nonce: 'none',
      nonceName: 'nonce',
      signed: 'envelope',
      lists: 'json',
      emptyLists: 'signed',
      joined: 'pairs',
      tags: 'empty',
    });
  });

  it.each([
    { payload: 'param' },
    { payload: '_encrypted1' },
    { ciphertext: 'hex' },
    { sign: 'HEX' },
    { sign: 'base64' },
    { timestamp: 'ms' },
    { timestamp: 's' },
    { signed: 'business' },
    { tags: 'one' },
  ])('takes %j and keeps the rest', (override) => {
    expect(wireProfileSchema.parse(override)).toEqual({ ...defaultWireProfile, ...override });
  });

  it.each(['apiKey', 'sign', 'timestamp', 'code', 'msg'])(
    'refuses %s as the name of the payload',
    (payload) => {
      expect(wireProfileSchema.safeParse({ payload }).success).toBe(false);
    },
  );

  it.each([
    { cyphertext: 'hex' },
    { payload: '' },
    { payload: 'my data' },
    { payload: '1st' },
    { ciphertext: 'Hex' },
    { sign: 'md5' },
    { timestamp: true },
    { signed: 'all' },
    { tags: [] },
    { sign: null },
    [],
    null,
    'hex',
    7,
  ])('refuses %j', (profile) => {
    expect(wireProfileSchema.safeParse(profile).success).toBe(false);
  });
});
