import { networkInterfaces } from 'node:os';

/** Addresses that stand for all of a machine's; nobody can connect to them from elsewhere. */
const everywhere: ReadonlySet<string> = new Set(['0.0.0.0', '::', '']);

/**
 * A host under which others reach what listens on `host`: the machine's first address in its network where it listens
 * everywhere, and this machine's own where there is no network.
 */
export function reachableHost(host: string, interfaces = networkInterfaces()): string {
  if (!everywhere.has(host)) return host;
  const addresses = Object.values(interfaces).flatMap((list) => list ?? []);
  const outside = addresses.filter(({ internal, address }) => !internal && !address.startsWith('fe80:'));
  const found = outside.find(({ family }) => family === 'IPv4') ?? (host === '::' ? outside[0] : undefined);
  return found?.address ?? '127.0.0.1';
}

/** The base URL that a client is given. */
export function baseUrl(host: string, port: number): string {
  const name = reachableHost(host);
  return `http://${name.includes(':') ? `[${name}]` : name}:${port}/openapi`;
}
