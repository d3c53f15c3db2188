import { ProxyAgent, fetch as undiciFetch } from 'undici';
import type { Fetch } from './proxy.ts';

/**
 * A client that takes its calls through a proxy. A file of its own, loaded where there is a proxy alone: Node's own client
 * takes no agent of another version of undici.
 */
export function createProxiedFetch(proxy: string): Fetch {
  const dispatcher = new ProxyAgent(proxy);
  return (url, call) => undiciFetch(url, { ...call, dispatcher });
}
