import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ProxyRules, proxyFor, proxyName } from '../src/proxy.ts';

const rules = { https: 'http://secure:1', http: 'http://plain:2' };

describe('the proxy for a call', () => {
  it('is chosen by the protocol', () => {
    expect(proxyFor('https://api.example/x', rules)).toBe('http://secure:1');
    expect(proxyFor('http://api.example/x', rules)).toBe('http://plain:2');
    expect(proxyFor('https://api.example/x', { http: rules.http })).toBeUndefined();
  });

  it.each([
    'http://127.0.0.1:8080',
    'http://127.9.9.9',
    'https://localhost',
    'http://a.localhost',
    'http://[::1]:1',
  ])('is none for this machine: %s', (url) => {
    expect(proxyFor(url, rules)).toBeUndefined();
  });

  // As curl 8 and Go's net/http read NO_PROXY.
  const cases: readonly (readonly [string, string, boolean])[] = [
    ['*', 'https://api.example', true],
    ['api.example', 'https://api.example', true],
    ['API.Example', 'https://api.example', true],
    ['example', 'https://api.example', true],
    ['.example', 'https://api.example', true],
    ['*.example', 'https://api.example', true],
    ['pi.example', 'https://api.example', false],
    ['api.example.org', 'https://api.example', false],
    ['api.example:443', 'https://api.example', true],
    ['api.example:8443', 'https://api.example', false],
    ['api.example:8443', 'https://api.example:8443', true],
    ['other, api.example', 'https://api.example', true],
    ['other api.example', 'https://api.example', true],
    ['10.0.0.0/8', 'https://10.1.2.3', true],
    ['10.0.0.0/8', 'https://11.1.2.3', false],
    ['10.0.0.0/99', 'https://10.1.2.3', false],
    ['192.168.1.1', 'https://192.168.1.1:8443', true],
    ['fd00::1', 'https://[fd00::1]', true],
    ['[fd00::1]:443', 'https://[fd00::1]', true],
    ['fd00::/8', 'https://[fd12::1]:8443', true],
    ['fd00::/8', 'https://[fe80::1]', false],
    ['', 'https://api.example', false],
  ];
  it.each(cases)('with NO_PROXY=%s for %s is none: %s', (no, url, isDirect) => {
    expect(proxyFor(url, { ...rules, no })).toBe(isDirect ? undefined : rules.https);
  });

  it('is found whatever NO_PROXY holds', () => {
    const text = fc.string({ unit: fc.constantFrom(...'a.*:/[]0123456789 ,', '::1', 'api.example') });
    fc.assert(
      fc.property(text, (no) => {
        const found = proxyFor('https://api.example', { ...rules, no } satisfies ProxyRules);
        expect([undefined, rules.https]).toContain(found);
      }),
    );
  });

  it('is told without its login', () => {
    expect(proxyName('http://user:secret@proxy:3128/')).toBe('proxy:3128');
  });
});
