import { createHash, timingSafeEqual } from 'node:crypto';
import { BlockList, isIP } from 'node:net';
import { UserError } from '../errors.ts';

/** Who may read: everybody on this machine, or whoever has the token. */

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

/** Whether only this machine reaches a server that listens on `host`. */
export function isLoopback(host: string): boolean {
  const version = isIP(host);
  if (version === 0) return host.toLowerCase() === 'localhost';
  return loopback.check(host, version === 6 ? 'ipv6' : 'ipv4');
}

/** @throws UserError where anybody on the network could read without a token */
export function requireSafeHost(host: string, token: string | undefined): void {
  if (token !== undefined || isLoopback(host)) return;
  throw new UserError(
    `HTTP_HOST: ${host} is open to the network; set HTTP_TOKEN too, or listen on 127.0.0.1 only`,
  );
}

/**
 * Whether the `Authorization` header carries the token. Digests are compared, for they have one length: neither the
 * time it takes nor an early end tells how much of a guess was right.
 */
export function isAuthorized(authorization: string | undefined, token: string): boolean {
  const given = /^Bearer +(\S+) *$/i.exec(authorization ?? '')?.[1];
  return given !== undefined && isSameToken(given, token);
}

/** Compares a guess with a token, in the same time whatever the guess. */
export function isSameToken(given: string, token: string): boolean {
  return timingSafeEqual(digest(given), digest(token));
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
