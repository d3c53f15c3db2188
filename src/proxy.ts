import { BlockList, isIP } from 'node:net';

/** Calls that leave this machine through a proxy, where the usual variables name one. */

export interface ProxyRules {
  /** HTTPS_PROXY and HTTP_PROXY, by the protocol of what is called; they may hold a login. */
  readonly https?: string | undefined;
  readonly http?: string | undefined;
  /** NO_PROXY: hosts that are called directly. */
  readonly no?: string | undefined;
}

/** A call as the program makes them. */
export interface Call {
  readonly method: 'POST';
  readonly headers: Record<string, string>;
  readonly body: string;
  readonly signal: AbortSignal;
  // Followed, a redirect would carry secrets to wherever the answer points.
  readonly redirect: 'manual';
}

/** The part of a response that is read: the same of Node's own client and of undici's. */
export interface Reply {
  readonly status: number;
  readonly ok: boolean;
  readonly headers: { get(name: string): string | null };
  readonly body: (AsyncIterable<Uint8Array> & { cancel(): Promise<void> }) | null;
}

export type Fetch = (url: string, call: Call) => Promise<Reply>;

/** Node's own client, which knows nothing of proxies. */
export const fetchDirectly: Fetch = (url, call) => fetch(url, call);

/** A client that takes the way which the rules name. */
export function createFetch(rules: ProxyRules): Fetch {
  let through: { readonly proxy: string; readonly fetch: Promise<Fetch> } | undefined;
  return async (url, call) => {
    const proxy = proxyFor(url, rules);
    if (proxy === undefined) return fetchDirectly(url, call);
    if (through?.proxy !== proxy) {
      const loaded = import('./proxied-fetch.ts');
      through = { proxy, fetch: loaded.then(({ createProxiedFetch }) => createProxiedFetch(proxy)) };
    }
    return (await through.fetch)(url, call);
  };
}

/** The proxy for a URL; `undefined` where it is called directly, as everything on this machine is. */
export function proxyFor(url: string, { https, http, no = '' }: ProxyRules): string | undefined {
  const target = new URL(url);
  const proxy = target.protocol === 'https:' ? https : http;
  if (proxy === undefined || isThisMachine(target.hostname)) return undefined;
  const exceptions = no.split(/[\s,]+/).filter((entry) => entry !== '');
  return exceptions.some((entry) => isNamed(target, entry)) ? undefined : proxy;
}

/** A proxy for people: without its login. */
export const proxyName = (proxy: string) => new URL(proxy).host;

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

function isThisMachine(hostname: string): boolean {
  return /(?:^|\.)localhost$/.test(hostname) || contains(loopback, hostname);
}

function contains(list: BlockList, hostname: string): boolean {
  const address = hostname.replace(/^\[(.*)\]$/, '$1');
  const version = isIP(address);
  return version !== 0 && list.check(address, version === 6 ? 'ipv6' : 'ipv4');
}

const defaultPorts: Readonly<Record<string, string>> = { 'https:': '443', 'http:': '80' };

/**
 * Whether an entry of NO_PROXY names a target, as curl and Go read it: `*`, a host with all below it, with a leading dot
 * or none, an address, or a network such as 10.0.0.0/8; each with a port or none.
 */
function isNamed({ hostname, protocol, port }: URL, entry: string): boolean {
  if (entry === '*') return true;
  const network = /^([^/]+)\/(\d{1,3})$/.exec(entry);
  if (network !== null) return isWithin(hostname, network[1] ?? '', Number(network[2]));
  const [, host = entry, portOnly] = /^(.*[^:]|\[.*\]):(\d+)$/.exec(entry) ?? [];
  // A bare IPv6 address looks as if it had a port.
  const isBareAddress = isIP(entry) === 6;
  if (!isBareAddress && portOnly !== undefined && portOnly !== (port || defaultPorts[protocol])) return false;
  const name = (isBareAddress ? `[${entry}]` : host).toLowerCase().replace(/^\*?\./, '');
  return hostname === name || hostname === `[${name}]` || hostname.endsWith(`.${name}`);
}

function isWithin(hostname: string, address: string, prefix: number): boolean {
  const version = isIP(address);
  if (version === 0 || prefix > (version === 6 ? 128 : 32)) return false;
  const list = new BlockList();
  list.addSubnet(address, prefix, version === 6 ? 'ipv6' : 'ipv4');
  return contains(list, hostname);
}
