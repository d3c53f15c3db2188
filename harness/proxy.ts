import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { connect, type Socket } from 'node:net';
import { TLSSocket } from 'node:tls';

export interface ProxyOptions {
  /** `user:password` that clients have to send. */
  readonly login?: string;
  /** Answers in the name of the hosts with this certificate, as the hosts themselves would. */
  readonly tls?: { readonly key: Buffer; readonly cert: Buffer };
}

/** An HTTP proxy that takes whatever is asked for to one server of this machine, and remembers what that was. */
export class ForwardProxy {
  /** The hosts and ports that were asked for. */
  readonly targets: string[] = [];
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(port: number, { login, tls }: ProxyOptions) {
    this.#server = createServer((_, response) => response.writeHead(501).end());
    this.#server.on('connect', (request, client: Socket) => {
      client.on('error', () => {});
      this.#sockets.add(client);
      const expected = login && `Basic ${Buffer.from(login).toString('base64')}`;
      if (request.headers['proxy-authorization'] !== expected) {
        client.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n');
        return;
      }
      this.targets.push(request.url ?? '');
      const server = connect(port, '127.0.0.1');
      server.on('error', () => client.destroy());
      client.write('HTTP/1.1 200 Connection Established\r\n\r\n');
      const plain = tls === undefined ? client : new TLSSocket(client, { isServer: true, ...tls });
      plain.on('error', () => server.destroy());
      plain.on('close', () => server.destroy());
      plain.pipe(server).pipe(plain);
    });
  }

  /** @param url the server that everything goes to */
  static async start(url: string, options: ProxyOptions = {}): Promise<ForwardProxy> {
    const proxy = new ForwardProxy(Number(new URL(url).port), options);
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  /** @param login of those who use it */
  url(login = ''): string {
    const address = this.#server.address();
    const port = typeof address === 'object' ? address?.port : undefined;
    return `http://${login === '' ? '' : `${login}@`}127.0.0.1:${port}`;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
  }
}
