import { describe, expect, it } from 'vitest';
import { parseSentinelAddress, redisServerOf } from '../src/redis-address.ts';

describe('the address of Sentinels', () => {
  it('has their hosts, the name of the server, its login and its database', () => {
    const address =
      'rediss+sentinel://us%40er:p%3Aw@a.example,b:1,[::1]:2/my%20main/7?sentinel_username=s&sentinel_password=t%26';
    expect(parseSentinelAddress(address)).toEqual({
      sentinels: [
        { host: 'a.example', port: 26_379 },
        { host: 'b', port: 1 },
        { host: '::1', port: 2 },
      ],
      ...{ name: 'my main', database: 7, isEncrypted: true, username: 'us@er', password: 'p:w' },
      ...{ sentinelUsername: 's', sentinelPassword: 't&' },
    });
  });

  it('needs no more than one host and a name', () => {
    expect(parseSentinelAddress('redis+sentinel://a/main')).toMatchObject({
      ...{ sentinels: [{ host: 'a', port: 26_379 }], name: 'main', database: 0, isEncrypted: false },
      ...{ username: undefined, password: undefined, sentinelPassword: undefined },
    });
  });

  it.each(['redis+sentinel://a', 'redis+sentinel:///main', 'redis+sentinel://a:b/main', 'redis://a/main'])(
    'is not %s',
    (address) => {
      expect(parseSentinelAddress(address)).toBeUndefined();
    },
  );
});

describe('the server of an address', () => {
  it('is told without login and password', () => {
    expect(redisServerOf('redis://user:secret@cache:6379/1')).toBe('cache:6379');
    expect(redisServerOf('redis+sentinel://user:secret@a,b:1/main?sentinel_password=secret')).toBe(
      'main of the Sentinels a:26379, b:1',
    );
  });
});
