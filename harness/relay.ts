import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

/** A way to a server that can go silent (it stays open, takes what it is sent, and passes nothing on), and can be cut. */
export class Relay {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #silent = new Set<Socket>();
  readonly #direct: URL;
  readonly #host: string;
  #isSilent = false;
  #isCut = false;

  private constructor(url: string, defaultPort: number, host: string) {
    this.#host = host;
    this.#direct = new URL(url);
    const port = Number(this.#direct.port || defaultPort);
    this.#server = createServer((client) => {
      if (this.#isCut) client.destroy();
      else this.#pass(client, connect(port, this.#direct.hostname));
    });
  }

  /** @param url the server's address @param host the address of this machine where the relay listens */
  static async open(url: string, defaultPort: number, host = '127.0.0.1'): Promise<Relay> {
    const relay = new Relay(url, defaultPort, host);
    relay.#server.listen(0, host);
    await once(relay.#server, 'listening');
    return relay;
  }

  /** The server's address by this way. */
  get url(): string {
    const address = this.#server.address();
    const through = new URL(this.#direct);
    const name = this.#host.includes(':') ? `[${this.#host}]` : this.#host;
    through.host = `${name}:${typeof address === 'object' ? address?.port : ''}`;
    return through.href;
  }

  /** Silences what is open, and for `all` what is opened from now on, too. */
  silence(which: 'open ones' | 'all'): void {
    for (const socket of this.#sockets) this.#silent.add(socket);
    this.#isSilent = which === 'all';
  }

  /** Ends what is open, and whatever is opened from now on, as a proxy does whose server is gone. */
  cut(): void {
    this.#isCut = true;
    this.#endAll();
  }

  /** Lets what is opened from now on pass; what is silent stays so. */
  recover(): void {
    this.#isSilent = false;
    this.#isCut = false;
  }

  async close(): Promise<void> {
    this.#endAll();
    this.#server.close();
  }

  #endAll(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  #pass(client: Socket, server: Socket): void {
    for (const [from, to] of [
      [client, server],
      [server, client],
    ] as const) {
      this.#sockets.add(from);
      if (this.#isSilent) this.#silent.add(from);
      from.on('data', (chunk) => {
        if (!this.#silent.has(from)) to.write(chunk);
      });
      from.on('close', () => {
        this.#sockets.delete(from);
        to.destroy();
      });
      from.on('error', () => to.destroy());
    }
  }
}
