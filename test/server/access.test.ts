import { describe, expect, it } from 'vitest';
import { UserError } from '../../src/errors.ts';
import { isAuthorized, isLoopback, requireSafeHost } from '../../src/server/access.ts';

describe('a host', () => {
  it.each(['127.0.0.1', '127.8.9.1', '::1', '::ffff:127.0.0.1', 'localhost', 'LOCALHOST'])(
    '%s is this machine alone',
    (host) => {
      expect(isLoopback(host)).toBe(true);
      expect(() => requireSafeHost(host, undefined)).not.toThrow();
    },
  );

  it.each(['0.0.0.0', '::', '10.0.0.7', '128.0.0.1', '::2', '::ffff:10.0.0.7', '127.0.0.1.example', ''])(
    '%j is open to others and needs a token',
    (host) => {
      expect(isLoopback(host)).toBe(false);
      expect(() => requireSafeHost(host, undefined)).toThrow(UserError);
      expect(() => requireSafeHost(host, undefined)).toThrow(/HTTP_HOST.*HTTP_TOKEN/);
      expect(() => requireSafeHost(host, 'a-good-token')).not.toThrow();
    },
  );
});

describe('the token', () => {
  const token = 'a-good-token';

  it.each(['Bearer a-good-token', 'bearer a-good-token', 'BEARER  a-good-token '])(
    'is taken as %j',
    (header) => {
      expect(isAuthorized(header, token)).toBe(true);
    },
  );

  it.each([
    undefined,
    '',
    'Bearer',
    'Bearer ',
    'Bearer a-good-toke',
    'Bearer a-good-token2',
    'Bearer A-GOOD-TOKEN',
    'Bearer a-good-token x',
    'Basic a-good-token',
    'a-good-token',
    'Bearera-good-token',
  ])('is not in %j', (header) => {
    expect(isAuthorized(header, token)).toBe(false);
  });
});
