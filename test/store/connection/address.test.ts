import { describe, expect, it } from 'vitest';
import { addressFor, clientConfig, serverOf } from '../../../src/store/connection/address.ts';

describe('the address for another login', () => {
  const cases: readonly (readonly [string, string])[] = [
    ['postgresql://owner:secret@db.example:6432/market', 'postgresql://anna:pw@db.example:6432/market'],
    ['postgresql://owner@db.example', 'postgresql://anna:pw@db.example:5432/owner'],
    ['postgresql://owner@[::1]:5433/market', 'postgresql://anna:pw@[::1]:5433/market'],
    [
      'postgresql:///market?host=/var/run/postgresql&user=owner',
      'postgresql://anna:pw@/market?host=/var/run/postgresql&port=5432',
    ],
    [
      'postgresql://owner@db.example/market?sslmode=no-verify&application_name=x',
      'postgresql://anna:pw@db.example:5432/market?sslmode=require',
    ],
    ['postgresql://owner@db/market?ssl=true', 'postgresql://anna:pw@db:5432/market?sslmode=verify-full'],
  ];

  it.each(cases)('of %s is %s', (address, expected) => {
    expect(addressFor(address, 'anna', 'pw')).toBe(expected);
  });

  it('escapes what would end a part of it', () => {
    expect(addressFor('postgresql://o@db/x', 'a@b', 'p/w')).toBe('postgresql://a%40b:p%2Fw@db:5432/x');
  });
});

describe('the server of an address', () => {
  it('is its host and port, or the folder of its socket', () => {
    expect(serverOf('postgresql://owner:secret@db.example:6432/market')).toBe('db.example:6432');
    expect(serverOf('postgresql:///market?host=/var/run/postgresql')).toBe('/var/run/postgresql');
  });
});

describe('what an address says of TLS', () => {
  it('is left to node-postgres where it says nothing', () => {
    expect(clientConfig('postgresql://owner@db/market').ssl).toBeUndefined();
  });

  it('is none with sslmode=disable', () => {
    expect(clientConfig('postgresql://owner@db/market?sslmode=disable').ssl).toBe(false);
  });

  it.each(['prefer', 'allow', 'require', 'no-verify'])('%s believes any certificate', (mode) => {
    expect(clientConfig(`postgresql://owner@db/market?sslmode=${mode}`).ssl).toEqual({
      rejectUnauthorized: false,
    });
  });

  it("verify-full with the system's authorities names no file", () => {
    expect(clientConfig('postgresql://owner@db/market?sslmode=verify-full&sslrootcert=system').ssl).toEqual(
      {},
    );
  });
});
