import type { NetworkInterfaceInfo } from 'node:os';
import { describe, expect, it } from 'vitest';
import { baseUrl, reachableHost } from '../../src/simulator/address.ts';

const info = (family: 'IPv4' | 'IPv6', address: string, internal = false): NetworkInterfaceInfo =>
  family === 'IPv4'
    ? { family, address, internal, netmask: '', mac: '', cidr: null }
    : { family, address, internal, netmask: '', mac: '', cidr: null, scopeid: 0 };

const network = {
  lo: [info('IPv4', '127.0.0.1', true), info('IPv6', '::1', true)],
  eth0: [info('IPv6', 'fe80::1'), info('IPv6', '2001:db8::7'), info('IPv4', '10.1.2.3')],
};

describe('the address that others are told', () => {
  it.each([
    ['127.0.0.1', '127.0.0.1'],
    ['simulator.local', 'simulator.local'],
    ['0.0.0.0', '10.1.2.3'],
    ['::', '10.1.2.3'],
  ])('of what listens on %s is %s', (host, told) => {
    expect(reachableHost(host, network)).toBe(told);
  });

  it('is of the sixth version where there is no other, and this machine’s without a network', () => {
    const { lo } = network;
    expect(reachableHost('::', { lo, eth0: network.eth0.slice(0, 2) })).toBe('2001:db8::7');
    expect(reachableHost('0.0.0.0', { lo })).toBe('127.0.0.1');
  });

  it('is a base URL', () => {
    expect(baseUrl('127.0.0.1', 80)).toBe('http://127.0.0.1:80/openapi');
    expect(baseUrl('::1', 80)).toBe('http://[::1]:80/openapi');
  });
});
