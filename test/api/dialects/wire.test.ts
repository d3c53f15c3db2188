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

  it.each([
    ['cyphertext', /no field "cyphertext"; did you mean ciphertext\?/],
    ['keyname', /did you mean keyName\?/],
    ['colour', /did you mean one of payload, answer, /],
  ])('names what %s was probably meant to be', (field, message) => {
    const { error } = wireProfileSchema.safeParse({ [field]: 'x' });
    expect(error?.issues.map((issue) => issue.message)).toEqual([expect.stringMatching(message)]);
  });

  it.each([
    { signPlace: 'payload' },
    { signed: 'key+timestamp' },
    { payload: 'nonce' },
    { keyName: 'sign' },
    { keyName: 'a b' },
  ])('refuses %j, which contradicts the rest', (profile) => {
    expect(wireProfileSchema.safeParse(profile).success).toBe(false);
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
