import { setMaxListeners } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import type { Dialect, SealedCredentials } from '../api/dialects/index.ts';
import type { Clock } from '../clock.ts';
import type { Behaviour } from './behaviour.ts';
import { deliver } from './delivery.ts';
import { type Door, doorOf } from './door.ts';
import { drawMishap, type Faults } from './faults.ts';
import type { Market } from './market.ts';
import { type IncomingCall, type LoggedRequest, Recorder } from './record.ts';
import { Refusal } from './refusal.ts';
import { page, type Reply } from './reply.ts';
import { type Received, respond, tooManyRequests } from './responder.ts';
import { type Call, calls } from './settings.ts';

/** Largest request that is read, in bytes: some hundred times more than a real one. */
const largestRequest = 1024 * 1024;

/** Connections stay open longer than clients wait between two calls. */
const keepAliveMilliseconds = 65_000;

export interface ServerOptions {
  readonly market: Market;
  readonly clock: Clock;
  readonly credentials: SealedCredentials;
  readonly dialect: Dialect;
  readonly behaviour: Behaviour;
  readonly faults: Faults;
  /** For the faults. */
  readonly seed: number;
  /** Path between host and call, with the version, e.g. `/openapi/v1`. */
  readonly path: string;
  /** How many of the newest requests are remembered. */
  readonly logSize: number;
  readonly onRequest: ((request: IncomingCall) => void | Promise<void>) | undefined;
  readonly rateClock: Clock;
}

/** The HTTP side: routes, delays, cuts connections, counts. */
export class SimulatorServer {
  readonly recorder: Recorder;
  behaviour: Behaviour;
  faults: Faults;
  readonly #options: ServerOptions;
  readonly #server: Server;
  readonly #closing = new AbortController();
  #arrivals: number[] = [];

  constructor(options: ServerOptions) {
    this.#options = options;
    this.behaviour = options.behaviour;
    this.faults = options.faults;
    this.recorder = new Recorder(options.logSize);
    // Every answer that is held back listens.
    setMaxListeners(0, this.#closing.signal);
    this.#server = createServer({ keepAliveTimeout: keepAliveMilliseconds }, (request, response) => {
      // Whoever hangs up while being answered is no trouble of the simulator's.
      this.#serve(request, response).catch(() => response.destroy());
    });
  }

  /**
   * @returns the port that it listens on
   * @throws the error of node's `listen`, e.g. with code EADDRINUSE
   */
  listen(host: string, port: number): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(port, host, () => {
        this.#server.off('error', reject);
        const address = this.#server.address();
        resolve(typeof address === 'object' && address !== null ? address.port : port);
      });
    });
  }

  /** Ends everything at once, answers under way too. */
  close(): Promise<void> {
    this.#closing.abort();
    return new Promise((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeAllConnections();
    });
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await read(request);
    const call = this.#route(request);
    const send = (reply: Reply) => deliver(response, reply, this.#shownTime(), this.#closing.signal);
    if (call === undefined) return send(page(404));
    if (request.method !== 'POST') return send(page(405));
    if (body === undefined) return send(page(413));
    const isJson = request.headers['content-type']?.startsWith('application/json') === true;
    const received = this.#receive(call, request, isJson ? body : '');
    const incoming = this.#register(received);
    await this.#options.onRequest?.(incoming);
    const { reply, entry } = this.#answer(received, incoming);
    if (entry.delay > 0) await pause(entry.delay, undefined, { signal: this.#closing.signal });
    this.recorder.add(entry);
    await send(reply);
  }

  /** What the API's clock shows. */
  #now(): number {
    return this.#options.clock.now() + this.behaviour.clockOffset;
  }

  /** What the header `Date` says; the machine's time where the API's clock is right. */
  #shownTime(): number | undefined {
    return this.behaviour.clockOffset === 0 ? undefined : this.#now();
  }

  #door(): Door {
    return doorOf(this.#options.credentials, this.#options.dialect, this.behaviour);
  }

  #route(request: IncomingMessage): Call | undefined {
    const path = request.url?.split('?', 1)[0];
    return calls.find((call) => path === `${this.#options.path}/${call}`);
  }

  #receive(call: Call, { headers }: IncomingMessage, body: string): Received {
    return {
      call,
      opened: this.#door().open({ headers, body }, this.#now()),
      sent: `${JSON.stringify(headers)} ${body}`,
    };
  }

  #register({ call, opened }: Received): IncomingCall {
    const business = opened instanceof Refusal ? undefined : opened;
    return { number: this.recorder.arrived(), at: this.#options.clock.now(), call, business };
  }

  #answer(received: Received, incoming: IncomingCall) {
    const { behaviour, faults } = this;
    const mishap = drawMishap(faults, this.#options.seed, incoming.number);
    const isTooFast = this.#isTooFast();
    const world = {
      version: this.#options.dialect.version,
      market: this.#options.market,
      door: this.#door(),
      behaviour,
      faults,
      now: this.#now(),
    };
    const reply = isTooFast
      ? tooManyRequests(behaviour, behaviour.retryAfter ? 1 : undefined)
      : respond(received, world, mishap);
    const entry: LoggedRequest = {
      ...incoming,
      status: reply.cut === 'before' ? 0 : reply.status,
      code: reply.code,
      records: reply.records,
      fault: isTooFast ? 'rateLimit' : mishap.fault,
      delay: mishap.delay,
    };
    return { reply, entry };
  }

  /** Whether `rateLimit` requests were let through in the last second already. */
  #isTooFast(): boolean {
    const { rateLimit } = this.behaviour;
    if (rateLimit === Number.POSITIVE_INFINITY) return false;
    const now = this.#options.rateClock.now();
    this.#arrivals = this.#arrivals.filter((arrival) => now - arrival < 1_000);
    if (this.#arrivals.length >= rateLimit) return true;
    this.#arrivals.push(now);
    return false;
  }
}

/** @returns the body as text, or `undefined` where it is too large */
async function read(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    size += chunk.length;
    if (size <= largestRequest) chunks.push(chunk);
  }
  return size > largestRequest ? undefined : Buffer.concat(chunks).toString('utf8');
}
