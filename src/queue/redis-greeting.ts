import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { connect as connectSecurely } from 'node:tls';
import { parseSentinelAddress } from '../redis-address.ts';
import type { Milliseconds } from '../time.ts';

/**
 * The words with which a Redis turns a connection away before it is asked anything. A client that writes at once meets a
 * closed connection ('write EPIPE') and may never read them.
 */

/** How long it may take until they are there. */
const patience: Milliseconds = 1000;

/** Its whole first line is less. */
const enough = 2000;

interface Server {
  readonly host: string;
  readonly port: number;
  readonly isEncrypted: boolean;
}

/** @returns the first such words of the servers that an address names, e.g. `DENIED …`; `undefined` where there are none */
export async function readRefusal(address: string): Promise<string | undefined> {
  for (const server of serversOf(address)) {
    const refusal = await listen(server);
    if (refusal !== undefined) return refusal;
  }
  return undefined;
}

function serversOf(address: string): readonly Server[] {
  const found = parseSentinelAddress(address);
  if (found !== undefined) {
    return found.sentinels.map((sentinel) => ({ ...sentinel, isEncrypted: found.isEncrypted }));
  }
  if (!URL.canParse(address)) return [];
  const { hostname, port, protocol } = new URL(address);
  const host = hostname.replace(/^\[(.*)\]$/, '$1');
  return [{ host, port: port === '' ? 6379 : Number(port), isEncrypted: protocol === 'rediss:' }];
}

async function listen({ host, port, isEncrypted }: Server): Promise<string | undefined> {
  const socket: Socket = isEncrypted ? connectSecurely({ host, port }) : connect({ host, port });
  try {
    let text = '';
    socket.setEncoding('utf8').on('data', (part) => {
      text += part;
      if (text.length > enough || text.includes('\n')) socket.destroy();
    });
    await once(socket, 'close', { signal: AbortSignal.timeout(patience) }).catch(() => {});
    return /^-(.+)/.exec(text)?.[1]?.trim();
  } finally {
    socket.destroy();
  }
}
